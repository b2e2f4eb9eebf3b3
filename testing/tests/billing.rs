//! The test of the README: a handler of one's own under a scenario of one's own.

use plimsoll::Message;
use plimsoll_testing::Trial;

#[test]
fn billing_loses_nothing() {
    Trial::from_file("tests/billing.toml")
        .process(|process| {
            let invoices = process.sink();
            move |order: Message| {
                let invoices = invoices.clone();
                async move { invoices.write(&order).await }
            }
        })
        .seeds(50)
        .run()
        .assert_held();
}
