// Tokio on its current-thread runtime.
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, Notify};
use tokio::task::yield_now;

fn per(t: Instant, n: u64) {
    println!("ns={:.4}", t.elapsed().as_nanos() as f64 / n as f64);
}

fn field(path: &str, key: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|l| l.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

fn cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let words: Vec<&str> = text[text.rfind(')').unwrap()..].split_whitespace().collect();
    let ticks = words[12].parse::<f64>().unwrap() + words[13].parse::<f64>().unwrap();
    ticks * 1e4 // of 10 ms
}

static SEED: AtomicU32 = AtomicU32::new(2463534242);
fn rnd_ms() -> Duration {
    let mut x = SEED.load(Relaxed);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    SEED.store(x, Relaxed);
    Duration::from_millis(1 + (x % 50) as u64)
}

async fn yields(tasks: u64, n: u64) {
    let all: Vec<_> = (0..tasks)
        .map(|_| tokio::spawn(async move { for _ in 0..n { yield_now().await } }))
        .collect();
    let t = Instant::now();
    for task in all {
        task.await.unwrap();
    }
    per(t, tasks * n);
}

async fn spawns() {
    let done = Arc::new(AtomicU64::new(0));
    let mut t = Instant::now();
    for wave in -20..1000 {
        if wave == 0 {
            t = Instant::now();
        }
        let all: Vec<_> = (0..1000)
            .map(|_| { let d = done.clone(); tokio::spawn(async move { d.fetch_add(1, Relaxed); }) })
            .collect();
        for task in all {
            task.await.unwrap();
        }
    }
    per(t, 1_000_000);
}

async fn queue() {
    let n = 2_000_000u64;
    let (to, mut at) = mpsc::channel::<u64>(1);
    let (back, mut here) = mpsc::channel::<u64>(1);
    tokio::spawn(async move { while let Some(v) = at.recv().await { back.send(v).await.unwrap() } });
    let t = Instant::now();
    for i in 0..n {
        to.send(i).await.unwrap();
        assert_eq!(here.recv().await, Some(i));
    }
    per(t, n);
}

async fn sleeps() {
    let before = cpu_us();
    let all: Vec<_> = (0..100_000)
        .map(|_| tokio::spawn(async { for _ in 0..10 { tokio::time::sleep(rnd_ms()).await } }))
        .collect();
    for task in all {
        task.await.unwrap();
    }
    println!("cpu_us={:.4}", (cpu_us() - before) / 1e6);
}

async fn parked(n: u64) {
    let before = field("/proc/self/smaps_rollup", "Rss:");
    let notify = Arc::new(Notify::new());
    let all: Vec<_> = (0..n)
        .map(|_| { let w = notify.clone(); tokio::spawn(async move { w.notified().await }) })
        .collect();
    yield_now().await;
    println!("rss_B={:.0}", (field("/proc/self/smaps_rollup", "Rss:") - before) / n as f64);
    std::process::exit(all.is_empty() as i32);
}

async fn echo(port: u16) {
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", port)).await.unwrap();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        client.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let mut buffer = [0u8; 16384];
            while let Ok(n) = client.read(&mut buffer).await {
                if n == 0 || client.write_all(&buffer[..n]).await.is_err() {
                    break;
                }
            }
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = arguments.get(2).map_or(0, |a| a.parse::<u64>().unwrap());
    match arguments[1].as_str() {
        "w1" => yields(2, 2_500_000).await,
        "w4" => { let n = if number > 0 { number } else { 1000 }; yields(n, 5_000_000 / n).await }
        "w3" => spawns().await,
        "w5b" => queue().await,
        "w6" => sleeps().await,
        "w7" => parked(number).await,
        "echo" => echo(number as u16).await,
        other => panic!("{other}"),
    }
}
