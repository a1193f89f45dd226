// Owns a text trace of tasks whose awaits are known: a chain through three functions, a join of two branches told later, and
// a lock inside of a library. Its places are those that a program on tokio has.

/** Times in ms would be 0 … 10; task 1 `chain` waits from 1 ms to 8 ms, task 2 `join` from 2 ms on. */
export const awaitsTrace = `hello rate=1000000000
dict text id=1 text="/project/src/main.rs"
dict text id=2 text="app::read_frame"
dict text id=3 text="app::handle"
dict text id=4 text="tokio::io::util::read_exact::ReadExact"
dict text id=5 text="app::both"
dict text id=6 text="/home/me/.cargo/registry/src/index-0/tokio-1.54.1/src/macros/join.rs"
dict text id=7 text="chain"
dict text id=8 text="join"
dict text id=9 text="lock"
dict text id=10 text="app::locked"
dict text id=11 text="tokio::sync::mutex::lock"
dict text id=12 text="/home/me/.cargo/registry/src/index-0/tokio-1.54.1/src/sync/mutex.rs"
dict text id=13 text="tokio::sync::batch_semaphore::Acquire"
dict site id=1 function=4
dict site id=2 file=1 line=7 function=2
dict site id=3 file=1 line=11 function=3
dict site id=4 file=6 line=207 function=5
dict site id=5 file=1 line=40
dict site id=6 function=13
dict site id=7 file=12 line=455 function=11
dict site id=8 file=1 line=20 function=10
dict stack id=1 sites=1,2,3 site=2
dict stack id=2 sites=1,2,4 site=2
dict stack id=3 sites=1,2,3,4 site=2
dict stack id=4 sites=6,7,8 site=8
dict task id=1 name=7 site=5
dict task id=2 name=8 site=5
dict task id=3 name=9 site=5
chunk thread=1
  0 taskSpawn task=1
  100 taskSpawn task=2
  200 taskSpawn task=3
  500000 pollStart task=1 epoch=1
  1000000 pollEndAt stack=1
  1100000 pollStart task=2 epoch=1
  2000000 pollEnd outcome=pending
  2100000 pollStart task=3 epoch=1
  2200000 pollEndAt stack=4
  8000000 wake task=1 epoch=1 effect=scheduled
  8100000 pollStart task=1 epoch=2
  8200000 pollEnd outcome=ready
  9900000 pollStart task=3 epoch=2
  10000000 pollEnd outcome=ready
chunk thread=2
  2500000 waitFound task=2 epoch=1 stack=2
  2500100 waitFound task=2 epoch=1 stack=3
`;
