//! With no observer set everything runs the same.

use std::time::Duration;

use wakeline_executor::net::{TcpListener, TcpStream};
use wakeline_executor::observe::{set_observer, Observer, ObserverAlreadySet};
use wakeline_executor::time::sleep;
use wakeline_executor::{block_on, fs, join, spawn, yield_now, Runtime};

#[test]
fn all_parts_work_and_an_observer_can_be_set_once() {
    for build in [Runtime::single(), Runtime::multi(2)] {
        let runtime = build.build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                sleep(Duration::from_millis(2)).await;
                stream.write_all(b"ok").await.unwrap();
            });
            let client = async {
                let stream = TcpStream::connect(address).await.unwrap();
                let mut answer = [0; 2];
                stream.read_exact(&mut answer).await.unwrap();
                answer
            };
            let path = std::env::temp_dir().join(format!("wakeline-none-{}", std::process::id()));
            let (answer, written) = join(client, fs::write(&path, b"ok")).await;
            written.unwrap();
            std::fs::remove_file(&path).unwrap();
            server.await.unwrap();
            assert_eq!(&answer, b"ok");
        });
    }

    struct Silent;
    impl Observer for Silent {}
    assert_eq!(set_observer(&Silent), Ok(()));
    assert_eq!(set_observer(&Silent), Err(ObserverAlreadySet));
    block_on(yield_now());
}
