// Owns a small trace of Node's kind: a task with calls of async functions inside each other, at detail lean and full.

/** `main` calls `load` (told by its waits only), which calls `fetchUser` twice at once; `audit` is never settled. */
export const framesTrace = `hello tier="node-register" language="node"
dict text id=1 text="main"
dict text id=2 text="load"
dict text id=3 text="fetchUser"
dict text id=4 text="audit"
dict text id=5 text="/app/users.ts"
dict text id=6 text="/app/main.ts"
dict text id=7 text="node"
dict site id=1 file=6 line=3 column=20 function=1
dict site id=2 file=6 line=5 column=9 function=1
dict site id=3 file=5 line=4 column=22 function=2
dict site id=4 file=5 line=7 column=3 function=2
dict site id=5 file=5 line=12 column=25 function=3
dict site id=6 file=5 line=14 column=9 function=3
dict site id=7 file=5 line=20 column=22 function=4
dict site id=8 file=5 line=21 column=9 function=4
dict runtime id=1 name=7 flavor=node workers=1
dict thread id=1 runtime=1 role=main
dict task id=1 site=0 name=1 taskKind=root runtime=1
chunk thread=1
  0 threadStart
  1000 taskSpawn task=1
  2000 pollStart task=1 epoch=1
  100000 frameOpen frame=1 parent=0 task=1 frameKind=asyncCall site=1 name=1
  100000 frameOpen frame=2 parent=1 task=1 frameKind=asyncCall site=3 name=2
  100000 frameOpen frame=3 parent=2 task=1 frameKind=asyncCall site=5 name=3
  100000 timerSet timer=1 task=1 delayNs=12000000
  200000 waitStart frame=3 site=6
  300000 frameOpen frame=4 parent=2 task=1 frameKind=asyncCall site=5 name=3
  350000 timerSet timer=2 task=1 delayNs=20000000
  400000 waitStart frame=4 site=6
  500000 waitStart frame=2 onKind=frame onId=3 site=4
  600000 frameOpen frame=5 parent=1 task=1 frameKind=asyncCall site=7 name=4
  600000 waitStart frame=5 site=8
  700000 waitStart frame=1 onKind=frame onId=2 site=2
  800000 pollEnd outcome=pending
  12200000 timerFire timer=1
  12200000 wakeFrom task=1 epoch=1 effect=scheduled causeKind=timer causeId=1 epochAfter=1
  12200000 pollStart task=1 epoch=2
  12300000 frameWake frame=3 causeKind=timer causeId=1
  12400000 pollEnd outcome=pending
  12400000 wakeFrom task=1 epoch=2 effect=scheduled causeKind=poll causeId=1 epochAfter=2
  12500000 pollStart task=1 epoch=3
  12700000 frameWake frame=2 causeKind=frame causeId=3
  12800000 frameEnd frame=3 outcome=completed
  12800000 pollEnd outcome=pending
  12800000 wakeFrom task=1 epoch=3 effect=scheduled causeKind=poll causeId=1 epochAfter=3
  12900000 pollStart task=1 epoch=4
  13400000 waitStart frame=2 onKind=frame onId=4 site=4
  13500000 pollEnd outcome=pending
  20400000 timerFire timer=2
  20400000 wakeFrom task=1 epoch=4 effect=scheduled causeKind=timer causeId=2 epochAfter=4
  20400000 pollStart task=1 epoch=5
  20500000 frameWake frame=4 causeKind=timer causeId=2
  20600000 pollEnd outcome=pending
  20600000 wakeFrom task=1 epoch=5 effect=scheduled causeKind=poll causeId=1 epochAfter=5
  20600000 pollStart task=1 epoch=6
  20800000 frameWake frame=2 causeKind=frame causeId=4
  20900000 frameEnd frame=4 outcome=completed
  20900000 pollEnd outcome=pending
  20900000 wakeFrom task=1 epoch=6 effect=scheduled causeKind=poll causeId=1 epochAfter=6
  20900000 pollStart task=1 epoch=7
  21100000 frameWake frame=1 causeKind=frame causeId=2
  21300000 frameEnd frame=2 outcome=completed
  21300000 pollEnd outcome=pending
  21300000 wakeFrom task=1 epoch=7 effect=scheduled causeKind=poll causeId=1 epochAfter=7
  21300000 pollStart task=1 epoch=8
  21900000 frameEnd frame=1 outcome=completed
  22000000 pollEnd outcome=pending
  30000000 threadStop
`;

/**
 * `main` calls undici's `request`, which calls `dispatch` and Node's `connect` inside of itself; `dispatch` calls the
 * program's `onBody`, which calls the package `@scope/parse` once.
 */
export const packagesTrace = `hello tier="node-register" language="node"
dict text id=1 text="main"
dict text id=2 text="request"
dict text id=3 text="dispatch"
dict text id=4 text="connect"
dict text id=5 text="onBody"
dict text id=6 text="parse"
dict text id=7 text="node"
dict text id=11 text="/app/main.ts"
dict text id=12 text="/app/node_modules/undici/lib/api.js"
dict text id=13 text="node:internal/net"
dict text id=14 text="/app/node_modules/.pnpm/parse@1/node_modules/@scope/parse/index.js"
dict site id=1 file=11 line=3 column=20 function=1
dict site id=2 file=12 line=10 column=20 function=2
dict site id=3 file=12 line=50 column=20 function=3
dict site id=4 file=13 line=7 column=20 function=4
dict site id=5 file=11 line=20 column=20 function=5
dict site id=6 file=14 line=1 column=20 function=6
dict runtime id=1 name=7 flavor=node workers=1
dict thread id=1 runtime=1 role=main
dict task id=1 site=0 name=1 taskKind=root runtime=1
chunk thread=1
  0 threadStart
  1000 taskSpawn task=1
  2000 pollStart task=1 epoch=1
  100000 frameOpen frame=1 parent=0 task=1 frameKind=asyncCall site=1 name=1
  200000 frameOpen frame=2 parent=1 task=1 frameKind=asyncCall site=2 name=2
  300000 frameOpen frame=3 parent=2 task=1 frameKind=asyncCall site=3 name=3
  400000 frameOpen frame=4 parent=3 task=1 frameKind=asyncCall site=4 name=4
  500000 waitStart frame=4 site=4
  500000 waitStart frame=3 onKind=frame onId=4 site=3
  500000 waitStart frame=2 onKind=frame onId=3 site=2
  500000 waitStart frame=1 onKind=frame onId=2 site=1
  600000 pollEnd outcome=pending
  10000000 wakeFrom task=1 epoch=1 effect=scheduled causeKind=poll causeId=1 epochAfter=1
  10000000 pollStart task=1 epoch=2
  10000000 frameEnd frame=4 outcome=completed
  10100000 frameOpen frame=5 parent=3 task=1 frameKind=asyncCall site=5 name=5
  10200000 frameOpen frame=6 parent=5 task=1 frameKind=asyncCall site=6 name=6
  10300000 waitStart frame=6 site=6
  10300000 waitStart frame=5 onKind=frame onId=6 site=5
  10400000 pollEnd outcome=pending
  30000000 threadStop
`;
