// What the engine says of operations and of a pool's jobs, in words: each test is a text trace and its sentences.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framesOf } from '../../support/text-trace.ts';
import { sessionOf } from './engine-dump.ts';
import { check, laneOf } from './told.ts';

/** A client's first poll has begun; its connection is source 1. */
const client = `
hello rate=1000000000 capabilities=polls/1,wakes/1,wakeEffects/1,sources/1,operations/1,readiness/1,reactor/1
dict text id=1 text="src/main.rs"
dict text id=2 text="client"
dict text id=3 text="127.0.0.1:4040"
dict site id=1 file=1 line=10 column=5 function=2
dict runtime id=1 name=0 flavor=wakelineSingle workers=1 poolLimit=4
dict thread id=1 osId=77 name=2 runtime=1 role=main
dict task id=1 parent=0 site=1 name=2 taskKind=task runtime=1
dict source id=1 fd=9 sourceKind=tcpStream local=0 peer=3 site=0
chunk thread=1
  100 taskSpawn task=1
  200 pollStart task=1 epoch=1
`;

test('data that lay in the buffer while the task stood in the queue: how long, and how much', () => {
  const trace = `${client}  210 operation source=1 operationKind=connect outcome=wouldBlock madeBy=poll
  220 sourceRegister source=1 interest=readable|writable token=1
  230 operation source=1 operationKind=read outcome=wouldBlock madeBy=poll
  240 pollEnd outcome=pending
  250 park parkKind=reactor
  900 unpark parkKind=reactor events=1
  910 readiness source=1 mask=readable waitingBytes=65
  920 wakeFrom task=1 epoch=1 effect=scheduled causeKind=source causeId=1 epochAfter=1
  12000930 pollStart task=1 epoch=2
  12000940 operation source=1 operationKind=read outcome=done bytes=60 madeBy=poll
  12000950 operation source=1 operationKind=read outcome=done bytes=4 madeBy=poll
  12000960 pollEnd outcome=ready
  12000970 taskEnd task=1 outcome=completed
watermarks 1/12001000/1/90
end exit
`;
  check(trace, {
    'client #1@210':
      'Poll 1 ran 40 ns on client, its first poll. It began to connect to 127.0.0.1:4040 (fd 9) and tried to read from 127.0.0.1:4040 (fd 9): it would block. It returned pending.',
    // What the second read took is not known to have been there with the first report.
    'client #1@12000945':
      "Poll 2 ran 30 ns on client, because the reactor's turn 1 woke it for 127.0.0.1:4040 (fd 9). It read 60 bytes from 127.0.0.1:4040 (fd 9) that had waited at least 12 ms in the operating system's buffer and read 4 bytes from 127.0.0.1:4040 (fd 9). It returned ready: the task is done.",
  });
  const session = sessionOf(framesOf(trace));
  const told = session.explain({ session: '', lane: laneOf(session, 'client #1'), atNs: 12_000_945 });
  const texts = told?.steps.map((step) => step.text) ?? [];
  assert.ok(
    texts.includes('The kernel reported 127.0.0.1:4040 (fd 9) readable with 64 bytes in its buffer'),
    texts.join('\n'),
  );
  assert.ok(texts.includes('Read 4 bytes from 127.0.0.1:4040 (fd 9)'), texts.join('\n'));
});

test('a job whose submission nobody saw, and a pool of a size that nobody knows', () => {
  const trace = `
hello rate=1000000000 capabilities=polls/1,wakes/1,wakeEffects/1,sources/1,operations/1,readiness/1,reactor/1,jobs/1,jobThreads/1
dict text id=1 text="src/main.rs"
dict text id=2 text="tokio-rt-worker"
dict site id=1 file=1 line=10 column=5 function=2
dict runtime id=1 name=0 flavor=unknown workers=0 poolLimit=0
dict thread id=1 osId=77 name=2 runtime=1 role=main
dict thread id=2 osId=78 name=2 runtime=1 role=unknown
dict task id=1 parent=0 site=1 name=0 taskKind=task runtime=1
chunk thread=1
  100 taskSpawn task=1
  200 pollStart task=1 epoch=1
  210 jobSubmit job=3 jobKind=other task=1 site=1 name=0 queued=1 runtime=1
  240 pollEnd outcome=pending
  600 pollStart task=1 epoch=2
  640 pollEnd outcome=ready
  650 taskEnd task=1 outcome=completed
chunk thread=2
  300 jobSeen job=2 jobKind=fileRead runtime=1
  400 jobEnd job=2 outcome=completed bytes=64
  410 jobStart job=3 queued=0
  500 jobEnd job=3 outcome=completed bytes=0
  510 wakeFrom task=1 epoch=1 effect=unknown causeKind=job causeId=2 epochAfter=1
watermarks 1/700/1/90 2/700/1/90
end exit
`;
  check(trace, {
    'pool tokio-rt-worker@350':
      'The file read (job 2) ran 100 ns on tokio-rt-worker and moved 64 bytes; there it may block without holding a worker. Who submitted it, and when, was not recorded.',
    'pool queue@250':
      '1 blocking job waited for a pool thread, for 200 ns. How many threads the pool may have is not known.',
    'task 1@400':
      'Waited 270 ns for the file read (job 2); it ran 100 ns on tokio-rt-worker, and its completion woke the task; the task stood 90 ns in the queue.',
  });
});

test('a datagram says its other end, and an empty one is no end of a stream', () => {
  const trace = `hello rate=1000000000 capabilities=polls/1,wakes/1,wakeEffects/1,sources/1,operations/1,readiness/1
dict text id=1 text="127.0.0.1:5300"
dict text id=2 text="127.0.0.1:41000"
dict runtime id=1 name=0 flavor=node workers=1 poolLimit=4
dict thread id=1 osId=77 name=0 runtime=1 role=main
dict task id=1 parent=0 site=0 name=0 taskKind=task runtime=1
dict source id=1 fd=21 sourceKind=udpSocket local=1 peer=0 site=0
chunk thread=1
  100 taskSpawn task=1
  200 pollStart task=1 epoch=1
  210 operationPeer source=1 peer=2
  210 operation source=1 operationKind=write outcome=done bytes=64 madeBy=poll
  220 operation source=1 operationKind=read outcome=done bytes=0 madeBy=poll
  240 pollEnd outcome=ready
  250 taskEnd task=1 outcome=completed
watermarks 1/300/1/90
end exit
`;
  check(trace, {
    'task 1@215':
      'Poll 1 ran 40 ns on thread 1, its first poll. It wrote 64 bytes to 127.0.0.1:41000, by 127.0.0.1:5300 (fd 21) and read 0 bytes from 127.0.0.1:5300 (fd 21). It returned ready: the task is done.',
  });
});

test('a question to a name server stands in no queue of the pool, and says why it failed', () => {
  const trace = `hello rate=1000000000 capabilities=polls/1,wakes/1,wakeEffects/1,jobs/1
dict text id=1 text="A missing.test"
dict text id=2 text="ENOTFOUND"
dict runtime id=1 name=0 flavor=node workers=1 poolLimit=4
dict thread id=1 osId=77 name=0 runtime=1 role=main
dict task id=1 parent=0 site=0 name=0 taskKind=task runtime=1
chunk thread=1
  100 taskSpawn task=1
  200 pollStart task=1 epoch=1
  210 jobSubmit job=1 jobKind=query task=1 site=0 name=1 queued=0 runtime=0
  240 pollEnd outcome=pending
  500 wakeFrom task=1 epoch=1 effect=scheduled causeKind=job causeId=1 epochAfter=1
  500 pollStart task=1 epoch=2
  510 jobError job=1 error=2
  510 jobEnd job=1 outcome=panicked bytes=0
  540 pollEnd outcome=ready
  650 taskEnd task=1 outcome=completed
watermarks 1/700/1/90
end exit
`;
  check(trace, {
    'task 1@300':
      'Waited 260 ns for the name server query of A missing.test (job 1); it failed (ENOTFOUND), which woke the task; the task stood 0 ns in the queue.',
  });
});

test('a shutdown says which side of which connection, also where it was refused', () => {
  const trace = `${client}  210 operation source=1 operationKind=shutdownWrite outcome=done madeBy=poll
  220 operation source=1 operationKind=shutdownRead outcome=done madeBy=poll
  230 operation source=1 operationKind=shutdownBoth outcome=error bytes=107 madeBy=poll
  240 pollEnd outcome=ready
  250 taskEnd task=1 outcome=completed
watermarks 1/300/1/90
end exit
`;
  check(trace, {
    'client #1@215':
      'Poll 1 ran 40 ns on client, its first poll. It shut down the writing side of 127.0.0.1:4040 (fd 9), shut down the reading side of 127.0.0.1:4040 (fd 9) and tried to shut down both sides of 127.0.0.1:4040 (fd 9): error 107. It returned ready: the task is done.',
  });
});
