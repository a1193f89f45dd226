// Owns the log files of the test workbench: the interface of VS Code's native logger, written with node:fs.
// The native one needs a C++ compiler at install time; without either, the workbench writes no log files and
// an extension's output channel stays empty. install.mjs puts this file in its place. It knows nothing of tests.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// Index = the level numbers that VS Code passes; 6 is off.
const LEVEL_NAMES = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

class Logger {
  #file;
  #maxBytes;
  #writtenBytes;
  #level = 2;
  #pattern = '%v';

  constructor(_kind, _name, file, maxBytes, _maxFiles) {
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#writtenBytes = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  trace(message) {
    this.#write(0, message);
  }
  debug(message) {
    this.#write(1, message);
  }
  info(message) {
    this.#write(2, message);
  }
  warn(message) {
    this.#write(3, message);
  }
  error(message) {
    this.#write(4, message);
  }
  critical(message) {
    this.#write(5, message);
  }
  getLevel() {
    return this.#level;
  }
  setLevel(level) {
    this.#level = level;
  }
  setPattern(pattern) {
    this.#pattern = `${pattern}\n`;
  }
  clearFormatters() {
    this.#pattern = '%v';
  }
  /** Nothing to do: each line is in the file when the call that logged it returns. */
  flush() {}
  drop() {
    this.#level = LEVEL_NAMES.length;
  }

  #write(level, message) {
    if (level < this.#level) return;
    const line = formatLine(this.#pattern, level, String(message));
    const lineBytes = Buffer.byteLength(line);
    // One predecessor is kept, whatever count is asked for: a test run is short.
    if (this.#writtenBytes > 0 && this.#writtenBytes + lineBytes > this.#maxBytes) {
      fs.renameSync(this.#file, `${this.#file}.1`);
      this.#writtenBytes = 0;
    }
    try {
      fs.appendFileSync(this.#file, line);
    } catch (error) {
      // The folder goes away while the workbench shuts down; there is nobody left to read the line.
      if (error.code !== 'ENOENT') throw error;
    }
    this.#writtenBytes += lineBytes;
  }
}

function formatLine(pattern, level, message) {
  const now = new Date();
  const digits = (value, width) => String(value).padStart(width, '0');
  const parts = {
    Y: digits(now.getFullYear(), 4),
    m: digits(now.getMonth() + 1, 2),
    d: digits(now.getDate(), 2),
    H: digits(now.getHours(), 2),
    M: digits(now.getMinutes(), 2),
    S: digits(now.getSeconds(), 2),
    e: digits(now.getMilliseconds(), 3),
    l: LEVEL_NAMES[level],
    v: message,
  };
  return pattern.replace(/%([YmdHMSelv])/g, (_match, key) => parts[key]);
}

async function createLogger(kind, name, file, maxBytes, maxFiles) {
  await fs.promises.mkdir(path.dirname(file), { recursive: true });
  return new Logger(kind, name, file, maxBytes, maxFiles);
}

// Assigned one by one, because an `import()` of this file finds its named exports by such assignments.
exports.version = 1;
exports.Logger = Logger;
// The global level and flush rule of the native module: each logger here has its own level and always flushes.
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = (...args) => createLogger('rotating', ...args);
exports.createAsyncRotatingLogger = (...args) => createLogger('rotating_async', ...args);
