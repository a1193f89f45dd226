//! Without `--cfg tokio_unstable` tokio tells nothing of itself, and the greeting says so.
#![cfg(not(tokio_unstable))]

mod support;

use support::{child, connected, finish, role, Collector};
use tokio::runtime::Builder;
use wakeline_wire::EventRecord;

#[test]
fn without_the_cfg_the_greeting_says_that_only_wrapped_futures_are_seen() {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        assert!(wakeline::tracing::subscriber().is_none());
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(async {}).await.unwrap();
            wakeline::spawn(async {}).await.unwrap();
        });
        return;
    }
    let test = "without_the_cfg_the_greeting_says_that_only_wrapped_futures_are_seen";
    let collector = Collector::start();
    let output = finish(
        connected(child(test, "silent"), &collector)
            .spawn()
            .unwrap(),
    );
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let hello = trace.hellos.last().unwrap();
    assert_eq!(hello.tier, "tokio stable");
    let polls = hello.capabilities.iter().find(|each| each.name == "polls");
    assert!(polls.unwrap().note.contains("tokio_unstable"));
    let spawns = trace.count(|event| matches!(event, EventRecord::TaskSpawn(_)));
    assert_eq!(spawns, 1);
}
