//! The page of a report in a real browser: on a phone, a tablet and a desktop, light and dark.
//!
//! Where there is no Chromium, the tests are reported as ignored.

mod chromium;
#[expect(dead_code, reason = "the other tests start the program in other ways")]
#[path = "../cli/program.rs"]
mod program;

use chromium::{Browser, Scheme};
use plimsoll_harness::{CHROMIUM, chromium, run, tests};
use program::plimsoll_in;
use serde_json::json;
use std::process::ExitCode;

/// The widths of a phone, a tablet and a desktop.
const WIDTHS: [u32; 3] = [360, 768, 1280];

fn main() -> ExitCode {
    run(tests!([&CHROMIUM]:
        bugs_are_shown,
        timelines_with_many_faults_are_shown,
        a_run_without_a_failure_is_shown,
    ))
}

fn bugs_are_shown() {
    let scenario = ["run", "crash/consumer-killed", "--seeds", "1"];
    let subject = ["--subject", "sarama-manual-mark"];
    shows(&[&scenario[..], &subject[..]].concat(), 4);
}

fn timelines_with_many_faults_are_shown() {
    // Hardly shrunk, so that its picture is wider than any window.
    let scenario = ["run", "rebalance/churn", "--seeds", "1"];
    let subject = ["--subject", "sarama-manual-mark", "--shrink-schedules", "2"];
    shows(&[&scenario[..], &subject[..]].concat(), 1);
}

fn a_run_without_a_failure_is_shown() {
    shows(&["run", "recipes", "quick", "--seeds", "2"], 0);
}

/// Runs the program, and looks at the page of its report in every width and both schemes; it must
/// show at least so many bugs.
fn shows(arguments: &[&str], bugs: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = plimsoll_in(
        folder.path(),
        &[arguments, &["--report", "report"]].concat(),
    );
    assert!([0, 10].contains(&ended.code), "{}", ended.transcript());
    let page = folder.path().join("report/report.html");
    let url = format!("file://{}", page.display());
    let mut browser = Browser::start(chromium().expect("it was found"));
    for width in WIDTHS {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let mut page = browser.open(&url, width, scheme);
            let place = format!("{arguments:?}, {width} pixels, {scheme:?}");
            // Nothing sticks out sideways: what is wide scrolls within its own box.
            let wide = page.value(&format!(
                "[document.documentElement.scrollWidth, innerWidth, {width}]"
            ));
            assert_eq!(wide, json!([width, width, width]), "{place}");
            let outside = page.value(OUTSIDE);
            assert_eq!(outside, json!([]), "{place}");
            let shown = page.value("document.querySelectorAll('.bug').length");
            assert!(shown.as_u64() >= Some(bugs), "{place}: {shown} bugs");
            let dead = page.value(DEAD_LINKS);
            assert_eq!(dead, json!([]), "{place}");
            let loaded = page.value("performance.getEntriesByType('resource').length");
            assert_eq!(loaded, 0, "{place}");
            let unread = page.value(UNREADABLE);
            assert_eq!(unread, json!([]), "{place}");
            assert!(page.console().is_empty(), "{place}: {:?}", page.console());
        }
    }
}

/// The elements that begin or end outside of the window, and are in no box that scrolls.
const OUTSIDE: &str = "[...document.body.querySelectorAll('*')]
    .filter(one => !one.closest('.scroll, pre, .unseen'))
    .filter(one => one.getClientRects().length > 0)
    .filter(one => {
        const box = one.getBoundingClientRect();
        return box.left < -0.5 || box.right > innerWidth + 0.5;
    })
    .map(one => one.outerHTML.slice(0, 200))";

/// The links that lead nowhere on the page.
const DEAD_LINKS: &str = "[...document.querySelectorAll('a')]
    .map(one => one.getAttribute('href'))
    .filter(to => !to.startsWith('#') || !document.getElementById(to.slice(1)))";

/// The texts whose contrast with their ground is below 4.5, the least that WCAG asks for.
const UNREADABLE: &str = "(() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b]
        .map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = one => {
        for (let box = one; box; box = box.parentElement) {
            const colour = parts(getComputedStyle(box).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const isText = one => [...one.childNodes].some(node => node.nodeType === 3
        && node.textContent.trim());
    return [...document.body.querySelectorAll('*')]
        .filter(one => isText(one) && !one.closest('svg'))
        .filter(one => {
            const shades = [light(parts(getComputedStyle(one).color)), light(ground(one))];
            shades.sort((a, b) => b - a);
            return (shades[0] + 0.05) / (shades[1] + 0.05) < 4.5;
        })
        .map(one => one.outerHTML.slice(0, 200));
})()";
