// Preloaded into code-server: ends it within a second when the process that started it was killed so hard that no
// clean-up ran. Forked children inherit the preload, so the whole tree goes from the top down.
'use strict';

const { isMainThread } = require('node:worker_threads');

// Worker threads run preloads too; one watch for each process is enough.
if (isMainThread) require('./parent-watch.cjs').start(process.ppid);
