//! What the compiler says where the attribute or its function is not as it must be: one
//! sentence that tells what to do, at the place where it is, and no sentence about code that
//! the program did not write.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The compiled attribute: beside this test, under a name that holds a hash.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap();
    let built = |path: &Path| path.metadata().and_then(|data| data.modified());
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.contains("wakeline_macros-") && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    let all = std::fs::read_dir(folder).unwrap();
    all.map(|entry| entry.unwrap().path())
        .filter(is_library)
        .max_by_key(|path| built(path).unwrap_or(SystemTime::UNIX_EPOCH))
        .expect("the attribute's library is built before its tests")
}

/// Compiles a program with the attribute and gives the compiler's errors: line, column, text.
fn errors(name: &str, program: &str) -> Vec<(u64, u64, String)> {
    let folder =
        std::env::temp_dir().join(format!("wakeline-macros-{}-{name}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let source = folder.join("program.rs");
    std::fs::write(&source, program).unwrap();
    let library = format!("wakeline={}", library().display());
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args(["--edition=2021", "--crate-type=lib", "--emit=metadata"])
        .args(["--error-format=short", "--cap-lints=allow"])
        .arg("--out-dir")
        .arg(&folder)
        .arg("--extern")
        .arg(library)
        .arg(&source)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let place = format!("{}:", source.display());
    let error = |line: &str| {
        let mut parts = line.strip_prefix(&place)?.splitn(3, ':');
        let line = parts.next()?.parse().ok()?;
        let column = parts.next()?.parse().ok()?;
        Some((line, column, parts.next()?.trim().to_owned()))
    };
    said.lines().filter_map(error).collect()
}

#[test]
fn each_mistake_is_told_once_where_it_is() {
    let cases = [
        ("#[wakeline::main]\nfn main() {}", 2, 1, "the `async` keyword is missing"),
        ("#[wakeline::main]\nasync fn main(a: u8) {}", 2, 14, "the main function cannot accept arguments"),
        ("#[wakeline::main]\nstruct Main;", 1, 1, "goes on a function"),
        ("trait T { #[wakeline::main]\nasync fn run(); }", 2, 15, "no body"),
        ("#[wakeline::main(flavour = \"local\")]\nasync fn main() {}", 1, 18, "there is no argument `flavour`"),
        ("#[wakeline::main(flavor = \"basic\")]\nasync fn main() {}", 1, 27, "there is no flavor `basic`"),
        ("#[wakeline::main(flavor)]\nasync fn main() {}", 1, 18, "needs a value"),
        ("#[wakeline::main(flavor = )]\nasync fn main() {}", 1, 18, "has no value"),
        ("#[wakeline::main(flavor = 3)]\nasync fn main() {}", 1, 27, "is a string"),
        ("#[wakeline::main(worker_threads = 0)]\nasync fn main() {}", 1, 35, "may not be 0"),
        ("#[wakeline::main(worker_threads = \"4\")]\nasync fn main() {}", 1, 35, "is a number"),
        ("#[wakeline::main(worker_threads = 1, worker_threads = 2)]\nasync fn main() {}", 1, 38, "given twice"),
        ("#[wakeline::main(flavor = \"current_thread\", worker_threads = 2)]\nasync fn main() {}", 1, 45, "needs the flavor `multi_thread`"),
        ("#[wakeline::main(start_paused = true)]\nasync fn main() {}", 1, 18, "needs the flavor `current_thread`"),
        ("#[wakeline::main(start_paused = 1)]\nasync fn main() {}", 1, 33, "`true` or `false`"),
        ("#[wakeline::main(flavor = \"local\" start_paused = true)]\nasync fn main() {}", 1, 35, "expected `,`"),
        ("#[wakeline::main(\"local\")]\nasync fn main() {}", 1, 18, "expected an argument's name"),
        ("#[wakeline::main(crate = \"a b\")]\nasync fn main() {}", 1, 26, "is the path of wakeline"),
        ("#[wakeline::main(unhandled_panic = \"abort\")]\nasync fn main() {}", 1, 36, "is `ignore` or `shutdown_runtime`"),
    ];
    for (number, (program, line, column, text)) in cases.into_iter().enumerate() {
        let errors = errors(&number.to_string(), program);
        let [(at_line, at_column, message)] = &errors[..] else {
            panic!("{program}\n{errors:#?}");
        };
        assert!(message.contains(text), "{program}\n{message}");
        assert_eq!(
            (*at_line, *at_column),
            (line, column),
            "{program}\n{message}"
        );
    }
}

#[test]
fn arguments_are_read_however_they_are_written() {
    // The stand-ins are what the attribute calls; what it hands them is proved by types.
    let stand_ins = "
        extern crate wakeline as attribute;
        pub mod stand_in {
            #[macro_export] macro_rules! start { () => {}; }
            pub use crate::start as init;
            pub mod private {
                pub mod tokio { pub mod runtime {
                    pub struct Builder; pub struct Runtime;
                    pub enum UnhandledPanic { Ignore, ShutdownRuntime }
                    impl Builder {
                        pub fn new_multi_thread() -> Self { Self }
                        pub fn new_current_thread() -> Self { Self }
                        pub fn enable_all(&mut self) {}
                        pub fn worker_threads(&mut self, _: usize) {}
                        pub fn start_paused(&mut self, _: bool) {}
                        pub fn unhandled_panic(&mut self, _: UnhandledPanic) {}
                        pub fn build(&mut self) -> Runtime { Runtime }
                    }
                    impl Runtime { pub fn block_on<F: std::future::Future>(&self, _: F) -> F::Output { loop {} } }
                } }
                pub struct Instrumented<'a> { pub builder: &'a mut tokio::runtime::Builder, pub seen: () }
                pub enum Flavor { MultiThread, CurrentThread }
                pub fn instrument<'a>(builder: &'a mut tokio::runtime::Builder, _: &str, _: Flavor, _: u64)
                    -> Instrumented<'a> { Instrumented { builder, seen: () } }
                pub fn root<F: Future>(_: &str, future: F) -> F { future }
                pub fn run<R, T>(built: R, _: (), run: impl FnOnce(&R) -> T) -> T { run(&built) }
                use std::future::Future;
            }
        }";
    let cases = [
        "worker_threads = 0x_4,",
        "worker_threads = 1_0usize, name = r\"pool\"",
        "flavor = \"current_thread\", unhandled_panic = \"shutdown_runtime\", start_paused = false",
    ];
    for (number, arguments) in cases.into_iter().enumerate() {
        let comma = if arguments.ends_with(',') { "" } else { "," };
        let program = format!(
            "{stand_ins}\n#[attribute::main({arguments}{comma} crate = \"crate::stand_in\")]\npub async fn run() -> u8 {{ 1 }}"
        );
        let errors = errors(&format!("ok-{number}"), &program);
        // A raw string has no place among the arguments; all else compiles.
        match arguments.contains("r\"") {
            true => assert!(errors[0].2.contains("is a string"), "{errors:#?}"),
            false => assert_eq!(errors, [], "{arguments}"),
        }
    }
}
