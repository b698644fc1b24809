// SPDX-License-Identifier: MIT
//
// tokio's side of the benchmarks: its multi-thread runtime with N workers; the main task runs on a
// worker too, as main does in Go.
//
// tokio has no unbuffered channel and no channel with several receivers: the ping-pong runs over
// channels of capacity 1, the least there is; the unbuffered select, the sieve and skynet, whose
// point is the rendezvous, and MPMC are left out. So are Context values and deadlines; a
// CancellationToken is compared with a Context that is only cancelled.

mod echo;

use std::future::{poll_fn, Future};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, Barrier, Mutex, Notify, RwLock};
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

// ---------------------------------------------------------------- harness

fn median(values: &[f64]) -> f64 {
    let s = sorted(values);
    let n = s.len();
    if n % 2 == 1 {
        s[n / 2]
    } else {
        (s[n / 2 - 1] + s[n / 2]) / 2.0
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut s = values.to_vec();
    s.sort_by(f64::total_cmp);
    s
}

fn percentile(sorted: &[f64], p: f64) -> f64 {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn emit(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.6} {unit}");
}

fn report(name: &str, values: &[f64], unit: &str) {
    emit(&format!("{name}.best"), sorted(values)[0], unit);
    emit(&format!("{name}.med"), median(values), unit);
}

fn ns_per(start: Instant, n: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / n as f64
}

fn us(d: Duration) -> f64 {
    d.as_nanos() as f64 / 1e3
}

fn cpu_ms() -> f64 {
    // SAFETY: an all-zero rusage is a valid one, and getrusage only writes to it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let ms = |t: libc::timeval| t.tv_sec as f64 * 1e3 + t.tv_usec as f64 / 1e3;
    ms(usage.ru_utime) + ms(usage.ru_stime)
}

macro_rules! repeat {
    ($reps:expr, $name:expr, $unit:expr, $once:expr) => {{
        let mut values = Vec::new();
        for _ in 0..$reps {
            values.push($once.await);
        }
        report($name, &values, $unit);
    }};
}

// ------------------------------------------------------------------ tasks

async fn spawn(reps: usize) {
    repeat!(reps, "spawn_1m_waitgroup", "ns/task", async {
        const N: u64 = 1_000_000;
        let start = Instant::now();
        let tracker = TaskTracker::new();
        for _ in 0..N {
            tracker.spawn(async {});
        }
        tracker.close();
        tracker.wait().await;
        ns_per(start, N)
    });
    repeat!(reps, "spawn_join_one", "ns/task", async {
        const N: u64 = 300_000;
        let start = Instant::now();
        for _ in 0..N {
            tokio::spawn(async {}).await.unwrap();
        }
        ns_per(start, N)
    });
}

async fn yields(reps: usize) {
    const N: u64 = 5_000_000;
    repeat!(reps, "yield_1task", "ns", async {
        let start = Instant::now();
        for _ in 0..N {
            yield_now().await;
        }
        ns_per(start, N)
    });
    repeat!(reps, "yield_1000tasks", "ns", async {
        let start = Instant::now();
        let tracker = TaskTracker::new();
        for _ in 0..1000 {
            tracker.spawn(async {
                for _ in 0..N / 1000 {
                    yield_now().await;
                }
            });
        }
        tracker.close();
        tracker.wait().await;
        ns_per(start, N)
    });
}

// --------------------------------------------------------------- channels

async fn pingpong(reps: usize) {
    repeat!(reps, "pingpong_unbuffered", "ns/roundtrip", async {
        const N: u64 = 1_000_000;
        let (to, mut from_main) = mpsc::channel::<u64>(1);
        let (back, mut answers) = mpsc::channel::<u64>(1);
        let start = Instant::now();
        tokio::spawn(async move {
            while let Some(v) = from_main.recv().await {
                back.send(v).await.unwrap();
            }
        });
        for i in 0..N {
            to.send(i).await.unwrap();
            assert_eq!(answers.recv().await, Some(i));
        }
        ns_per(start, N)
    });
}

fn send_from_task(capacity: usize, n: u64) -> mpsc::Receiver<u64> {
    let (sender, receiver) = mpsc::channel(capacity);
    tokio::spawn(async move {
        for i in 0..n {
            sender.send(i).await.unwrap();
        }
    });
    receiver
}

async fn channels(reps: usize) {
    repeat!(reps, "spsc_cap128", "ns/item", async {
        const N: u64 = 5_000_000;
        let start = Instant::now();
        let mut items = send_from_task(128, N);
        let mut sum = 0;
        while let Some(v) = items.recv().await {
            sum += v;
        }
        assert_eq!(sum, N * (N - 1) / 2);
        ns_per(start, N)
    });
    repeat!(reps, "chan_uncontended_cap128", "ns/sendrecv", async {
        const N: u64 = 10_000_000;
        let (sender, mut receiver) = mpsc::channel(128);
        let start = Instant::now();
        for i in 0..N {
            sender.send(i).await.unwrap();
            receiver.recv().await;
        }
        ns_per(start, N)
    });
}

async fn selects(reps: usize) {
    const N: u64 = 2_000_000;
    repeat!(reps, "select2_cap128", "ns/msg", async {
        let start = Instant::now();
        let mut a = send_from_task(128, N / 2);
        let mut b = send_from_task(128, N / 2);
        let mut got = 0;
        while got < N {
            tokio::select! {
                Some(_) = a.recv() => got += 1,
                Some(_) = b.recv() => got += 1,
            }
        }
        ns_per(start, N)
    });
    repeat!(reps, "select_ctx_cap128", "ns/msg", async {
        let token = CancellationToken::new();
        let start = Instant::now();
        let mut items = send_from_task(128, N);
        for _ in 0..N {
            tokio::select! {
                item = items.recv() => assert!(item.is_some()),
                _ = token.cancelled() => panic!("cancelled"),
            }
        }
        ns_per(start, N)
    });
}

// ----------------------------------------------------------- cancellation

async fn tokens(reps: usize) {
    const N: u64 = 1_000_000;
    let parent = CancellationToken::new();
    repeat!(reps, "ctx_withcancel_cancel_bg", "ns", async {
        let start = Instant::now();
        for _ in 0..N {
            CancellationToken::new().cancel();
        }
        ns_per(start, N)
    });
    repeat!(reps, "ctx_withcancel_cancel_child", "ns", async {
        let start = Instant::now();
        for _ in 0..N {
            parent.child_token().cancel();
        }
        ns_per(start, N)
    });
    const KIDS: u64 = 100_000;
    let mut creating = Vec::new();
    let mut cancelling = Vec::new();
    for _ in 0..reps {
        let root = CancellationToken::new();
        let mut hold = Vec::with_capacity(KIDS as usize);
        let start = Instant::now();
        for _ in 0..KIDS {
            hold.push(root.child_token());
        }
        creating.push(ns_per(start, KIDS));
        let start = Instant::now();
        root.cancel();
        cancelling.push(ns_per(start, KIDS));
        assert!(hold.iter().all(CancellationToken::is_cancelled));
    }
    report("ctx_tree100k_create", &creating, "ns/child");
    report("ctx_tree100k_cancel", &cancelling, "ns/child");
    repeat!(reps, "ctx_err", "ns", async {
        const N: u64 = 10_000_000;
        let start = Instant::now();
        for _ in 0..N {
            assert!(!parent.is_cancelled());
        }
        ns_per(start, N)
    });
}

/// What the tasks of one trial share.
struct Trial {
    n: i64,
    start: Instant,
    ready: AtomicI64,
    resumed: AtomicI64,
    first_ns: AtomicI64,
    last_ns: AtomicI64,
    never: Notify,
    done: Notify,
}

impl Trial {
    fn count_resumed(&self) {
        let k = self.resumed.fetch_add(1, Ordering::SeqCst) + 1;
        let now = || self.start.elapsed().as_nanos() as i64;
        if k == 1 {
            self.first_ns.store(now(), Ordering::SeqCst);
        }
        if k == self.n {
            self.last_ns.store(now(), Ordering::SeqCst);
            self.done.notify_one();
        }
    }
}

/// Parks n tasks in a select of a cancellation and a notification, cancels, and returns
/// microseconds to the first resumed task and to the last. own: each has a child token.
async fn cancel_trial(n: i64, own: bool) -> (f64, f64) {
    let token = CancellationToken::new();
    let trial = Arc::new(Trial {
        n,
        start: Instant::now(),
        ready: AtomicI64::new(0),
        resumed: AtomicI64::new(0),
        first_ns: AtomicI64::new(0),
        last_ns: AtomicI64::new(0),
        never: Notify::new(),
        done: Notify::new(),
    });
    for _ in 0..n {
        let (t, token) = (trial.clone(), token.clone());
        tokio::spawn(async move {
            let token = if own { token.child_token() } else { token };
            t.ready.fetch_add(1, Ordering::SeqCst);
            tokio::select! {
                _ = token.cancelled() => {}
                _ = t.never.notified() => {}
            }
            t.count_resumed();
        });
    }
    while trial.ready.load(Ordering::SeqCst) != n {
        sleep(Duration::from_micros(100)).await;
    }
    sleep(Duration::from_micros(200 + n as u64 / 50)).await; // let the last ones park
    let cancelled_ns = trial.start.elapsed().as_nanos() as i64;
    token.cancel();
    trial.done.notified().await;
    while trial.first_ns.load(Ordering::SeqCst) == 0 {
        yield_now().await; // who came first may write it late
    }
    let since = |t: &AtomicI64| (t.load(Ordering::SeqCst) - cancelled_ns) as f64 / 1e3;
    (since(&trial.first_ns), since(&trial.last_ns))
}

async fn cancellation(reps: usize) {
    for own in [false, true] {
        for (n, trials) in [(1, 500), (100, 200), (10_000, 100), (100_000, 20)] {
            let (mut f50, mut f99, mut l50, mut l99) = (vec![], vec![], vec![], vec![]);
            for _ in 0..reps {
                let (mut firsts, mut lasts) = (vec![], vec![]);
                for _ in 0..trials {
                    let (first, last) = cancel_trial(n, own).await;
                    firsts.push(first);
                    lasts.push(last);
                }
                let (firsts, lasts) = (sorted(&firsts), sorted(&lasts));
                f50.push(percentile(&firsts, 0.50));
                f99.push(percentile(&firsts, 0.99));
                l50.push(percentile(&lasts, 0.50));
                l99.push(percentile(&lasts, 0.99));
            }
            let name = format!("cancel_{}_{n}_", if own { "own" } else { "shared" });
            report(&format!("{name}first.p50"), &f50, "us");
            report(&format!("{name}first.p99"), &f99, "us");
            report(&format!("{name}last.p50"), &l50, "us");
            report(&format!("{name}last.p99"), &l99, "us");
        }
    }
}

// ----------------------------------------------------------------- timers

/// splitmix64, for sleeps between nothing and a second.
fn random_sleep(state: &mut u64) -> Duration {
    *state = state.wrapping_add(0x9e3779b97f4a7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    Duration::from_nanos((z ^ (z >> 31)) % 1_000_000_000)
}

async fn million_sleeps(reps: usize) {
    let (mut total, mut cpu) = (vec![], vec![]);
    for _ in 0..reps {
        let mut state = 42;
        let cpu_before = cpu_ms();
        let start = Instant::now();
        let tracker = TaskTracker::new();
        for _ in 0..1_000_000 {
            tracker.spawn(sleep(random_sleep(&mut state)));
        }
        tracker.close();
        tracker.wait().await;
        total.push(start.elapsed().as_micros() as f64 / 1e3);
        cpu.push(cpu_ms() - cpu_before);
    }
    report("sleep_1m_random_0_1s_total", &total, "ms");
    report("sleep_1m_random_0_1s_cpu", &cpu, "ms");
}

async fn timers(reps: usize) {
    million_sleeps(reps).await;
    repeat!(reps, "timer_new_stop", "ns", async {
        const N: u64 = 2_000_000;
        let start = Instant::now();
        for _ in 0..N {
            // A tokio sleep enters the timer wheel at its first poll, and leaves it when dropped.
            let mut timer = std::pin::pin!(sleep(Duration::from_secs(3600)));
            poll_fn(|cx| {
                assert!(timer.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        ns_per(start, N)
    });
    let (mut p50, mut p99, mut worst) = (vec![], vec![], vec![]);
    for _ in 0..reps {
        let mut samples = Vec::new();
        for _ in 0..1000 {
            let start = Instant::now();
            sleep(Duration::from_millis(1)).await;
            samples.push(us(start.elapsed()) - 1000.0);
        }
        let samples = sorted(&samples);
        p50.push(percentile(&samples, 0.50));
        p99.push(percentile(&samples, 0.99));
        worst.push(samples[samples.len() - 1]);
    }
    report("sleep_1ms_lateness.p50", &p50, "us");
    report("sleep_1ms_lateness.p99", &p99, "us");
    emit("sleep_1ms_lateness.max.med", median(&worst), "us");
}

// ------------------------------------------------------------------- sync

async fn sync(reps: usize) {
    const N: u64 = 1_000_000;
    repeat!(reps, "mutex_4tasks_1m_each", "ns/lock", async {
        let x = Arc::new(Mutex::new(0));
        let start = Instant::now();
        let tracker = TaskTracker::new();
        for _ in 0..4 {
            let x = x.clone();
            tracker.spawn(async move {
                for _ in 0..N {
                    *x.lock().await += 1;
                }
            });
        }
        tracker.close();
        tracker.wait().await;
        let value = ns_per(start, 4 * N);
        assert_eq!(*x.lock().await, 4 * N);
        value
    });
    repeat!(reps, "mutex_4tasks_yield_inside", "ns/lock", async {
        const N: u64 = 100_000;
        let x = Arc::new(Mutex::new(0));
        let start = Instant::now();
        let tracker = TaskTracker::new();
        for _ in 0..4 {
            let x = x.clone();
            tracker.spawn(async move {
                for _ in 0..N {
                    let mut held = x.lock().await;
                    *held += 1;
                    yield_now().await;
                }
            });
        }
        tracker.close();
        tracker.wait().await;
        let value = ns_per(start, 4 * N);
        assert_eq!(*x.lock().await, 4 * N);
        value
    });
    repeat!(reps, "mutex_uncontended", "ns/lock", async {
        const N: u64 = 50_000_000;
        let x = Mutex::new(0);
        let start = Instant::now();
        for _ in 0..N {
            drop(x.lock().await);
        }
        ns_per(start, N)
    });
    repeat!(reps, "rwmutex_rlock_4tasks", "ns/rlock", async {
        let x = Arc::new(RwLock::new(0));
        let start = Instant::now();
        let tracker = TaskTracker::new();
        for _ in 0..4 {
            let x = x.clone();
            tracker.spawn(async move {
                for _ in 0..N {
                    drop(x.read().await);
                }
            });
        }
        tracker.close();
        tracker.wait().await;
        ns_per(start, 4 * N)
    });
    // tokio's counterpart of a wait group that wakes many is a barrier.
    repeat!(reps, "waitgroup_wake_10k_waiters", "ns/waiter", async {
        const K: usize = 10_000;
        let gate = Arc::new(Barrier::new(K + 1));
        let ready = Arc::new(AtomicI64::new(0));
        let tracker = TaskTracker::new();
        for _ in 0..K {
            let (gate, ready) = (gate.clone(), ready.clone());
            tracker.spawn(async move {
                ready.fetch_add(1, Ordering::SeqCst);
                gate.wait().await;
            });
        }
        tracker.close();
        while ready.load(Ordering::SeqCst) != K as i64 {
            sleep(Duration::from_micros(100)).await;
        }
        sleep(Duration::from_millis(1)).await;
        let start = Instant::now();
        gate.wait().await;
        tracker.wait().await;
        ns_per(start, K as u64)
    });
}

// ------------------------------------------------------------------- main

const BENCHES: [&str; 10] = [
    "spawn", "yield", "pingpong", "chan", "select", "ctx", "cancel", "timers", "sync", "echo",
];

async fn run(name: &str, reps: usize) {
    match name {
        "spawn" => spawn(reps).await,
        "yield" => yields(reps).await,
        "pingpong" => pingpong(reps).await,
        "chan" => channels(reps).await,
        "select" => selects(reps).await,
        "ctx" => tokens(reps).await,
        "cancel" => cancellation(reps).await,
        "timers" => timers(reps).await,
        "sync" => sync(reps).await,
        "echo" => echo::echoes(reps).await,
        _ => unreachable!(),
    }
}

fn refuse(what: String) -> ! {
    eprintln!("{what}\nflags: [-list] [-bench all|NAME,NAME...] [-reps N] [-workers N]");
    std::process::exit(2);
}

fn main() {
    let mut names: Vec<String> = vec!["all".into()];
    let mut reps = 5;
    let mut workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        if flag == "-list" {
            return BENCHES.iter().for_each(|name| println!("{name}"));
        }
        let value = args
            .next()
            .unwrap_or_else(|| refuse(format!("{flag} wants a value")));
        let number = || {
            value
                .parse()
                .unwrap_or_else(|_| refuse(format!("{flag} wants a number")))
        };
        match flag.as_str() {
            "-bench" => names = value.split(',').map(str::to_string).collect(),
            "-reps" => reps = number(),
            "-workers" => workers = number(),
            _ => refuse(format!("unknown flag {flag}")),
        }
    }
    for name in &names {
        if name != "all" && !BENCHES.contains(&name.as_str()) {
            refuse(format!("no benchmark is called '{name}'"));
        }
    }
    println!("# tokio workers={workers} reps={reps}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    for name in BENCHES
        .into_iter()
        .filter(|n| names.iter().any(|m| m == "all" || m == n))
    {
        runtime.block_on(runtime.spawn(run(name, reps))).unwrap();
    }
}
