//! Members that the group lets go, in the middle of giving their partitions up.

use crate::cluster::{Handled, Member, Topic, wait_until};
use crate::faults::heal;
use plimsoll::{Assignor, Message};
use plimsoll_serve::{ErrorName, Faulty, RequestKind, Served, ServedCluster};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Lets the group refuse what its members ask next, of this kind.
async fn refuse(cluster: &Served, topic: &Topic, request: RequestKind, error: ErrorName) {
    let faulty = Faulty {
        request,
        broker: None,
        group: Some(topic.name.clone()),
        client_id: None,
        count: u32::MAX,
    };
    let fail = move |cluster: &mut ServedCluster, _| cluster.fail(faulty, error);
    cluster.call_async(fail).await;
}

/// Librdkafka tells no loss before it has the answer to a revocation, and that waits for handlers.
pub(crate) async fn a_member_that_is_let_go_while_it_drains_stops_its_handlers(
    cluster: Arc<Served>,
) {
    let cases = [
        (RequestKind::Heartbeat, ErrorName::UnknownMemberId),
        (RequestKind::Heartbeat, ErrorName::IllegalGeneration),
    ];
    for (request, error) in cases {
        let topic = Topic::create("let-go", 2).await;
        topic.produce(0..2, |n| n as i32).await;
        let (begun, stopped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (begins, stops) = (Arc::clone(&begun), Arc::clone(&stopped));
        let consumer = || topic.consumer().assignor(Assignor::Range);
        let slow = Member::start(consumer(), move |message: Message| {
            let (begins, stops) = (Arc::clone(&begins), Arc::clone(&stops));
            async move {
                begins.fetch_add(1, Relaxed);
                message.cancellation().cancelled().await;
                stops.fetch_add(1, Relaxed);
                Ok(())
            }
        });
        assert!(wait_until(|| begun.load(Relaxed) == 2).await);
        let handled = Handled::default();
        let next = Member::start(consumer(), handled.handler(Duration::ZERO));
        // The member learns of the rebalance by a heartbeat.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(stopped.load(Relaxed), 0, "it drains");
        refuse(&cluster, &topic, request, error).await;
        let began = Instant::now();
        assert!(wait_until(|| stopped.load(Relaxed) >= 2).await);
        // The deadline of the revocation is 30 s.
        assert!(began.elapsed() < Duration::from_secs(10), "{error:?}");
        heal(&cluster).await;
        slow.abort();
        handled.wait_for(2).await;
        next.stop().await;
    }
}
