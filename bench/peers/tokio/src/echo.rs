// SPDX-License-Identifier: MIT
//
// tokio's sockets: 64 bytes there and back, server and clients in one process, as in bench/echo.cpp.

use crate::{emit, median, percentile, sorted, us};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

type Message = [u8; 64];

async fn echo(mut s: TcpStream) {
    let mut buffer: Message = [0; 64];
    while s.read_exact(&mut buffer).await.is_ok() {
        if s.write_all(&buffer).await.is_err() {
            return;
        }
    }
}

async fn connect(to: SocketAddr) -> TcpStream {
    let s = TcpStream::connect(to).await.unwrap();
    s.set_nodelay(true).unwrap();
    s
}

async fn round_trip(s: &mut TcpStream, buffer: &mut Message) {
    s.write_all(buffer).await.unwrap();
    s.read_exact(buffer).await.unwrap();
}

async fn echo_once(reps: usize, to: SocketAddr) {
    let (mut halves, mut late) = (Vec::new(), Vec::new());
    for _ in 0..reps {
        let mut s = connect(to).await;
        let mut buffer: Message = [0; 64];
        let mut samples = Vec::new();
        for _ in 0..30_000 {
            let start = Instant::now();
            round_trip(&mut s, &mut buffer).await;
            samples.push(us(start.elapsed()));
        }
        let samples = sorted(&samples);
        halves.push(percentile(&samples, 0.50));
        late.push(percentile(&samples, 0.99));
    }
    emit("echo_1conn_64B_rtt.p50.med", median(&halves), "us");
    emit("echo_1conn_64B_rtt.p99.med", median(&late), "us");
}

async fn round_trips_a_second(to: SocketAddr, connections: usize) -> f64 {
    const TOTAL: usize = 300_000;
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(connect(to).await);
    }
    let tracker = TaskTracker::new();
    let start = Instant::now();
    for mut s in streams {
        tracker.spawn(async move {
            let mut buffer: Message = [0; 64];
            for _ in 0..TOTAL / connections {
                round_trip(&mut s, &mut buffer).await;
            }
        });
    }
    tracker.close();
    tracker.wait().await;
    (TOTAL / connections * connections) as f64 / start.elapsed().as_secs_f64()
}

pub async fn echoes(reps: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (s, _) = listener.accept().await.unwrap();
            s.set_nodelay(true).unwrap();
            tokio::spawn(echo(s));
        }
    });
    echo_once(reps, to).await;
    for connections in [64, 1000] {
        let mut rates = Vec::new();
        for _ in 0..reps {
            rates.push(round_trips_a_second(to, connections).await);
        }
        let name = format!("echo_{connections}conn_64B");
        emit(&format!("{name}.med"), median(&rates), "req/s");
    }
    server.abort();
}
