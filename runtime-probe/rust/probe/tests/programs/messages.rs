//! A tokio program that moves bytes in every way that the probe records: for the test that
//! holds its trace against strace. It counts for itself and must not know of the trace.
//!
//! One thread. Sockets stay open to the end, so that a descriptor is one thing all along.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::zeroed;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;

use libc::{c_int, iovec, mmsghdr, msghdr};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use tokio::runtime::Builder;

const ROUNDS: usize = 20;
const MESSAGE: &[u8] = b"eleven byte";
/// Messages that one call moves.
const BATCH: usize = 3;

/// What the program moved, by its own count.
#[derive(Default)]
struct Moved {
    read: usize,
    written: usize,
}

fn main() -> io::Result<()> {
    wakeline::init!();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let moved = runtime.block_on(wakeline::tokio::root(work()))?;
    println!(
        r#"{{"bytesRead":{},"bytesWritten":{}}}"#,
        moved.read, moved.written
    );
    Ok(())
}

async fn work() -> io::Result<Moved> {
    let mut moved = Moved::default();
    let (a, b) = (
        UdpSocket::bind("127.0.0.1:0").await?,
        UdpSocket::bind("127.0.0.1:0").await?,
    );
    a.connect(b.local_addr()?).await?;
    for _ in 0..ROUNDS {
        echo(&a, &b, &mut moved).await?;
        single_messages(&a, &b, &mut moved).await?;
        batches(&a, &b, &mut moved).await?;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut here = TcpStream::connect(listener.local_addr()?).await?;
    let (mut there, _) = listener.accept().await?;
    for _ in 0..ROUNDS {
        vectors(&mut here, &mut there, &mut moved).await?;
    }
    through_copies(&here, &mut there, &mut moved).await?;
    let (from, to) = UnixStream::pair()?;
    without_copies(&from, &to, &mut moved).await?;
    Ok(moved)
}

/// With the runtime's own calls.
async fn echo(a: &UdpSocket, b: &UdpSocket, moved: &mut Moved) -> io::Result<()> {
    let mut buffer = [0; 64];
    moved.written += a.send(MESSAGE).await?;
    let (bytes, from) = b.recv_from(&mut buffer).await?;
    moved.read += bytes;
    moved.written += b.send_to(&buffer[..bytes], from).await?;
    moved.read += a.recv(&mut buffer).await?;
    Ok(())
}

/// A result of the system's as one of Rust's.
fn checked(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn part(buffer: &mut [u8]) -> iovec {
    iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    }
}

fn message(part: &mut iovec) -> msghdr {
    // SAFETY: all zero is a valid value of this plain structure.
    let mut message: msghdr = unsafe { zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}

/// Until the call does not say that it would block.
async fn receive(
    socket: &UdpSocket,
    mut call: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        socket.readable().await?;
        match socket.try_io(Interest::READABLE, || call(socket.as_raw_fd())) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

async fn single_messages(a: &UdpSocket, b: &UdpSocket, moved: &mut Moved) -> io::Result<()> {
    let mut text = MESSAGE.to_vec();
    // SAFETY: the message refers to a buffer of ours.
    let sent = unsafe { libc::sendmsg(a.as_raw_fd(), &message(&mut part(&mut text)), 0) };
    moved.written += checked(sent)?;
    moved.read += receive(b, |fd| {
        let mut buffer = [0; 64];
        // SAFETY: the message refers to a buffer of ours.
        checked(unsafe { libc::recvmsg(fd, &mut message(&mut part(&mut buffer)), 0) })
    })
    .await?;
    Ok(())
}

async fn batches(a: &UdpSocket, b: &UdpSocket, moved: &mut Moved) -> io::Result<()> {
    let mut buffers = [[7_u8; 9]; BATCH];
    let mut parts = buffers.each_mut().map(|buffer| part(buffer));
    let mut several = parts.each_mut().map(|part| mmsghdr {
        msg_hdr: message(part),
        msg_len: 0,
    });
    // SAFETY: so many messages that refer to buffers of ours.
    let sent = unsafe { libc::sendmmsg(a.as_raw_fd(), several.as_mut_ptr(), BATCH as u32, 0) };
    let sent = checked(sent as isize)?;
    moved.written += several[..sent]
        .iter()
        .map(|each| each.msg_len as usize)
        .sum::<usize>();
    let mut got = 0;
    while got < sent {
        let count = receive(b, |fd| {
            let most = BATCH as u32;
            // SAFETY: so many messages that refer to buffers of ours.
            checked(unsafe {
                libc::recvmmsg(fd, several.as_mut_ptr(), most, 0, null_mut()) as isize
            })
        })
        .await?;
        got += count;
        moved.read += several[..count]
            .iter()
            .map(|each| each.msg_len as usize)
            .sum::<usize>();
    }
    Ok(())
}

async fn vectors(here: &mut TcpStream, there: &mut TcpStream, moved: &mut Moved) -> io::Result<()> {
    let bytes = here
        .write_vectored(&[IoSlice::new(MESSAGE), IoSlice::new(MESSAGE)])
        .await?;
    moved.written += bytes;
    let (mut left, mut one, mut two) = (bytes, [0; 16], [0; 16]);
    while left > 0 {
        there.readable().await?;
        let mut parts = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        match there.try_read_vectored(&mut parts) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => {
                let bytes = result?;
                left -= bytes;
                moved.read += bytes;
            }
        }
    }
    // And as most programs do.
    there.write_all(MESSAGE).await?;
    moved.written += MESSAGE.len();
    moved.read += here.read_exact(&mut [0; MESSAGE.len()]).await?;
    Ok(())
}

/// A message through each of three copies of a socket, which is then shut down by one of them.
async fn through_copies(
    socket: &TcpStream,
    there: &mut TcpStream,
    moved: &mut Moved,
) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    // SAFETY: (all three) numbers only; the copies stay open to the end.
    let copies = unsafe {
        [
            libc::dup(fd),
            libc::dup3(fd, 500, libc::O_CLOEXEC),
            libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 600),
        ]
    };
    for copy in copies {
        // SAFETY: the bytes are ours.
        let sent = unsafe { libc::send(copy, MESSAGE.as_ptr().cast(), MESSAGE.len(), 0) };
        moved.written += checked(sent)?;
        moved.read += there.read_exact(&mut [0; MESSAGE.len()]).await?;
    }
    // SAFETY: it takes no pointer.
    checked(unsafe { libc::shutdown(copies[0], libc::SHUT_WR) } as isize)?;
    let end = there.read(&mut [0; 1]).await?;
    assert_eq!(end, 0, "the end of the stream");
    Ok(())
}

/// From a file into a socket, and from a socket into a pipe that is no source.
async fn without_copies(from: &UnixStream, to: &UnixStream, moved: &mut Moved) -> io::Result<()> {
    const SIZE: usize = 5_000;
    let file = File::open("/proc/self/exe")?;
    from.writable().await?;
    // SAFETY: both are open, and no offset is asked for.
    let sent = unsafe { libc::sendfile(from.as_raw_fd(), file.as_raw_fd(), null_mut(), SIZE) };
    let sent = checked(sent)?;
    moved.written += sent;
    let mut ends = [0; 2];
    // SAFETY: the pointer is to two numbers of ours.
    checked(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK) } as isize)?;
    let mut left = sent;
    while left > 0 {
        to.readable().await?;
        let result = to.try_io(Interest::READABLE, || {
            // SAFETY: both are open, and no offset is asked for.
            checked(unsafe {
                libc::splice(to.as_raw_fd(), null_mut(), ends[1], null_mut(), SIZE, 0)
            })
        });
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => {
                let bytes = result?;
                left -= bytes;
                moved.read += bytes;
            }
        }
    }
    Ok(())
}
