//! An observer that begins late asks which tasks are alive.

use std::time::Duration;

use wakeline_executor::observe::{alive_tasks, TaskPhase};
use wakeline_executor::time::sleep;
use wakeline_executor::{spawn, yield_now, Runtime};

#[test]
fn alive_tasks_are_told_with_their_polls_and_what_they_do() {
    let runtime = Runtime::single().build().unwrap();
    runtime.block_on(async {
        let waits = spawn(async { sleep(Duration::from_secs(60)).await });
        let yields = spawn(async {
            for _ in 0..3 {
                yield_now().await;
            }
        });
        let over = spawn(async {});
        while !yields.is_finished() || !over.is_finished() {
            yield_now().await;
        }
        let queued = spawn(async {});

        let alive = alive_tasks();
        let find = |id: u64| alive.iter().find(|task| task.task == id);
        let waiting = find(waits.id()).unwrap();
        assert_eq!((waiting.epoch, waiting.phase), (1, TaskPhase::Idle));
        let new = find(queued.id()).unwrap();
        assert_eq!((new.epoch, new.phase), (0, TaskPhase::Scheduled));
        assert_eq!(find(over.id()), None, "a task that is over is not alive");
        // The oldest is this one, the root, in its poll.
        assert_eq!(alive[0].phase, TaskPhase::Running);
        assert!(alive[0].epoch > 1, "{:?}", alive[0]);
        assert_eq!(alive.len(), 3);
        waits.abort();
    });
    drop(runtime);
    assert_eq!(alive_tasks(), []);
}
