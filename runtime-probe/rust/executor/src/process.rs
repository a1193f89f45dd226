//! Owns child processes: their end is a source (a process descriptor on Linux, else the
//! arrival of SIGCHLD), and so are their pipes. It must not know what they run.

use std::ffi::OsStr;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child as StdChild, Command as StdCommand, ExitStatus, Stdio};
use std::sync::Mutex;
use std::task::{Context, Poll};

use mio::Interest;

use crate::descriptor::Descriptor;
use crate::lock;
use crate::net::{Read, ReadExact, ReadToEnd, Write, WriteAll};
use crate::observe::{Address, OperationKind, OperationResult, SourceKind};
use crate::reactor::Direction;
use crate::signal::{signal, Signal, SignalKind};
use crate::source::{fd_of, Operation, Source, SourceIdentity};

type Site = &'static Location<'static>;

/// A program to start, as [`std::process::Command`] has it.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::process::Stdio;
/// use wakeline_executor::process::Command;
///
/// let said = wakeline_executor::block_on(async {
///     let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
///     let stdout = child.stdout.take().expect("it was asked for");
///     let said = stdout.read_to_end().await?;
///     assert!(child.wait().await?.success());
///     Ok::<_, std::io::Error>(said)
/// })?;
/// assert_eq!(said, b"hello\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Command {
    command: StdCommand,
    end_by_signal: bool,
}

impl Command {
    /// A command that starts this program.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Command::from(StdCommand::new(program))
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of the child's environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Sets the child's working folder.
    pub fn current_dir(&mut self, folder: impl AsRef<Path>) -> &mut Self {
        self.command.current_dir(folder);
        self
    }

    /// What the child reads from.
    pub fn stdin(&mut self, from: impl Into<Stdio>) -> &mut Self {
        self.command.stdin(from);
        self
    }

    /// What the child writes to.
    pub fn stdout(&mut self, to: impl Into<Stdio>) -> &mut Self {
        self.command.stdout(to);
        self
    }

    /// What the child writes its complaints to.
    pub fn stderr(&mut self, to: impl Into<Stdio>) -> &mut Self {
        self.command.stderr(to);
        self
    }

    /// Learns of the child's end by SIGCHLD even where the system has descriptors for
    /// processes.
    pub fn end_by_signal(&mut self) -> &mut Self {
        self.end_by_signal = true;
        self
    }

    /// Starts the child. That blocks, as the system's call does.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or its end and pipes cannot be made sources; a child
    /// that was started by then is killed.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        let site = Location::caller();
        let mut child = self.command.spawn()?;
        let sources = Sources::of(&mut child, self.end_by_signal, site);
        match sources {
            Ok(sources) => Ok(Child {
                id: child.id(),
                stdin: sources.stdin,
                stdout: sources.stdout,
                stderr: sources.stderr,
                process: Mutex::new(child),
                end: sources.end,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

impl From<StdCommand> for Command {
    fn from(command: StdCommand) -> Self {
        Command {
            command,
            end_by_signal: false,
        }
    }
}

/// How the end of a child is noticed.
#[derive(Debug)]
enum End {
    /// The process's descriptor becomes readable.
    Descriptor(Source<Descriptor>),
    /// Some child has ended; which is to be asked.
    Signal(Signal),
}

/// What of a child the reactor watches.
struct Sources {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildOutput>,
    stderr: Option<ChildOutput>,
    end: End,
}

impl Sources {
    fn of(child: &mut StdChild, end_by_signal: bool, site: Site) -> io::Result<Self> {
        let pid = child.id();
        let output = |fd: Option<OwnedFd>, name: &str| {
            fd.map(|fd| {
                pipe(
                    fd,
                    &format!("{name} of process {pid}"),
                    Interest::READABLE,
                    site,
                )
            })
            .transpose()
        };
        let stdin = match child.stdin.take() {
            Some(end) => {
                let name = format!("stdin of process {pid}");
                Some(pipe(end.into(), &name, Interest::WRITABLE, site)?)
            }
            None => None,
        };
        let stdout = output(child.stdout.take().map(OwnedFd::from), "stdout")?;
        let stderr = output(child.stderr.take().map(OwnedFd::from), "stderr")?;
        let descriptor = match end_by_signal {
            true => None,
            false => process_descriptor(pid),
        };
        // Neither is too late when the child has ended already: the first poll asks.
        let end = match descriptor {
            Some(fd) => {
                let name = format!("process {pid}");
                let readable = Interest::READABLE;
                End::Descriptor(source(fd, SourceKind::Child, &name, readable, site)?)
            }
            None => End::Signal(signal(SignalKind::CHILD)?),
        };
        Ok(Sources {
            stdin: stdin.map(|source| ChildStdin { source }),
            stdout: stdout.map(|source| ChildOutput { source }),
            stderr: stderr.map(|source| ChildOutput { source }),
            end,
        })
    }
}

fn pipe(fd: OwnedFd, name: &str, interest: Interest, site: Site) -> io::Result<Source<Descriptor>> {
    source(fd, SourceKind::Pipe, name, interest, site)
}

fn source(
    fd: OwnedFd,
    kind: SourceKind,
    name: &str,
    interest: Interest,
    site: Site,
) -> io::Result<Source<Descriptor>> {
    let descriptor = Descriptor::new(fd)?;
    let identity = SourceIdentity {
        fd: fd_of(&descriptor),
        kind,
        local: None,
        peer: Some(Address::Named(name)),
        site,
    };
    Source::register(descriptor, interest, &identity)
}

/// A descriptor of the process, where the system has such (Linux 5.3) and allows it.
#[cfg(target_os = "linux")]
fn process_descriptor(pid: u32) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: the call touches no memory. The child was not waited for, so its number is
    // still its own.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the kernel has just handed out this descriptor to us alone.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(not(target_os = "linux"))]
fn process_descriptor(_pid: u32) -> Option<OwnedFd> {
    None
}

/// A child process. Dropping it leaves the process running; when nobody waits for its
/// end, the system keeps its exit status until this process ends.
pub struct Child {
    id: u32,
    /// Where the child reads from, if a pipe was asked for.
    pub stdin: Option<ChildStdin>,
    /// What the child writes, if a pipe was asked for.
    pub stdout: Option<ChildOutput>,
    /// What the child complains of, if a pipe was asked for.
    pub stderr: Option<ChildOutput>,
    process: Mutex<StdChild>,
    end: End,
}

impl Child {
    /// The process's number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The id of the source that tells of its end, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        match &self.end {
            End::Descriptor(source) => source.id(),
            End::Signal(signal) => signal.source_id(),
        }
    }

    /// Waits for the end of the process. Its stdin is closed first, or a child that reads
    /// it to the end would never end.
    #[track_caller]
    pub fn wait(&mut self) -> Wait<'_> {
        self.stdin = None;
        Wait {
            child: self,
            site: Location::caller(),
        }
    }

    /// Ends the process by force; its end is still to be waited for.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        lock(&self.process).kill()
    }

    fn poll_wait(&self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<ExitStatus>> {
        let look = || match lock(&self.process).try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => Err(error),
        };
        match &self.end {
            End::Descriptor(source) => {
                let operation = Operation {
                    kind: OperationKind::Collect,
                    direction: Direction::Read,
                    requested_bytes: 0,
                    site,
                };
                source.poll_operation(&operation, cx, |_| look(), |_| OperationResult::Done)
            }
            End::Signal(signal) => loop {
                // Looked at before each wait, so an end that came earlier is not missed.
                match look() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
                match signal.poll_recv(cx, site) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            },
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Made by [`Child::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<'a> {
    child: &'a Child,
    site: Site,
}

impl Future for Wait<'_> {
    type Output = io::Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        self.child.poll_wait(cx, self.site)
    }
}

/// The pipe that a child reads from; dropping it ends what the child can read.
#[derive(Debug)]
pub struct ChildStdin {
    source: Source<Descriptor>,
}

impl ChildStdin {
    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// Writes what the pipe takes, at least one byte, and returns how many.
    #[track_caller]
    pub fn write<'a>(&'a self, bytes: &'a [u8]) -> Write<'a> {
        Write::new(&self.source, bytes)
    }

    /// Writes all bytes.
    #[track_caller]
    pub fn write_all<'a>(&'a self, bytes: &'a [u8]) -> WriteAll<'a> {
        WriteAll::new(&self.source, bytes)
    }
}

/// The pipe that a child writes to, for its output or its complaints.
#[derive(Debug)]
pub struct ChildOutput {
    source: Source<Descriptor>,
}

impl ChildOutput {
    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// Reads what is there, at least one byte; 0 when the child has closed its end.
    #[track_caller]
    pub fn read<'a>(&'a self, buffer: &'a mut [u8]) -> Read<'a> {
        Read::new(&self.source, buffer)
    }

    /// Fills the whole buffer. Ends with `UnexpectedEof` when the child writes less.
    #[track_caller]
    pub fn read_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReadExact<'a> {
        ReadExact::new(&self.source, buffer)
    }

    /// Reads everything until the child has closed its end.
    #[track_caller]
    pub fn read_to_end(&self) -> ReadToEnd<'_> {
        ReadToEnd::new(&self.source)
    }
}
