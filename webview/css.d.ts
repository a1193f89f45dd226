// Owns telling the compiler that a stylesheet may be imported; the bundler writes it to dist/webview.css.
declare module '*.css';
