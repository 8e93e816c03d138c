//! Two pieces of work side by side, where each takes some microseconds and they come by the hundred thousand.
//!
//! A pool's thread without work gives its turn back to the system again and again until it sleeps, and takes one to two
//! microseconds to find what was left for it: as long as a fair part of an evaluation of a few transistors. Here another
//! thread of the pool stands by in a loop of its own for as long as there was work a moment ago, and begins at once. It
//! belongs to the pool: after [`PATIENCE`] without work it goes back there, and is called again when there is some. While
//! none stands by, the pool's own `join` does the same, later.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{ThreadId, current};
use std::time::{Duration, Instant};

/// How long a thread stands by without work.
const PATIENCE: Duration = Duration::from_micros(60);
/// Looks between two looks at the clock, and looks after which the wait for the other thread lets the system run another.
const LOOKS: u32 = 64;
const LONG: u32 = 4096;

/// Nobody stands by; somebody was called; stands by; has work to begin; is at it; is done with it.
const ABSENT: u32 = 0;
const CALLED: u32 = 1;
const READY: u32 = 2;
const POSTED: u32 = 3;
const BUSY: u32 = 4;
const DONE: u32 = 5;

thread_local! {
    /// Who stands by for this thread.
    static OTHER: Arc<Shared> = Arc::new(Shared {
        owner: current().id(),
        state: AtomicU32::new(ABSENT),
        task: UnsafeCell::new(None),
        panic: UnsafeCell::new(None),
    });
}

/// Something to be called once, on a stack that outlives the call.
#[derive(Clone, Copy)]
struct Task {
    data: *mut (),
    call: unsafe fn(*mut ()),
}

struct Shared {
    owner: ThreadId,
    state: AtomicU32,
    task: UnsafeCell<Option<Task>>,
    panic: UnsafeCell<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `task` and `panic` belong to the thread that posts in every state but `POSTED`, `BUSY` (the other thread's, which
// takes them over by its change of the state from the one to the other) and back with `DONE`. Changes of the state release
// what was written before, and acquire. What the task points to is `Send` by the bounds of `join`.
unsafe impl Sync for Shared {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Shared {}

impl Shared {
    fn moves(&self, from: u32, to: u32) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// What the other thread does.
    fn stand_by(&self) {
        if current().id() == self.owner {
            // Who waits for something else may have found the call itself.
            return self.state.store(ABSENT, Ordering::Release);
        }
        self.state.store(READY, Ordering::Release);
        let mut since = Instant::now();
        loop {
            for _ in 0..LOOKS {
                if self.state.load(Ordering::Acquire) == POSTED && self.moves(POSTED, BUSY) {
                    self.run();
                    self.state.store(DONE, Ordering::Release);
                    since = Instant::now();
                }
                spin_loop();
            }
            if since.elapsed() > PATIENCE && self.moves(READY, ABSENT) {
                return;
            }
        }
    }

    fn run(&self) {
        // SAFETY: the state is `BUSY`, and this is the thread that made it so.
        let (task, panic) = unsafe { (&mut *self.task.get(), &mut *self.panic.get()) };
        if let Some(task) = task.take() {
            // SAFETY: who posted waits for `DONE` before what the task points to goes out of scope, and a task is taken once.
            *panic = catch_unwind(AssertUnwindSafe(|| unsafe { (task.call)(task.data) })).err();
        }
    }
}

/// Waits until the other thread is done with the task, or takes it back; on every way out.
struct Wait<'a>(&'a Shared);

impl Wait<'_> {
    /// True: the task was not begun, and will not be.
    fn end(&self) -> bool {
        if self.0.moves(POSTED, READY) {
            return true;
        }
        let mut looks = 0u32;
        while self.0.state.load(Ordering::Acquire) == BUSY {
            looks += 1;
            if looks.is_multiple_of(LONG) {
                std::thread::yield_now();
            }
            spin_loop();
        }
        false
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.end();
        // After `DONE` only this thread changes the state.
        self.0.moves(DONE, READY);
    }
}

/// Calls both, side by side if a thread of the pool has time.
pub fn join(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    OTHER.with(|other| {
        if other.state.load(Ordering::Acquire) == READY {
            return share(other, a, b);
        }
        if rayon::current_num_threads() > 1 && other.moves(ABSENT, CALLED) {
            let other = other.clone();
            rayon::spawn(move || other.stand_by());
        }
        rayon::join(a, b);
    });
}

fn share<B: FnOnce() + Send>(other: &Shared, a: impl FnOnce(), b: B) {
    /// # Safety
    /// `data` points to an `Option<B>` that nobody else uses.
    unsafe fn call<B: FnOnce()>(data: *mut ()) {
        // SAFETY: see above.
        if let Some(b) = unsafe { (*data.cast::<Option<B>>()).take() } {
            b();
        }
    }
    let mut b = Some(b);
    let task = Task { data: (&raw mut b).cast(), call: call::<B> };
    // SAFETY: the state is `READY`, in which the other thread does not touch the task.
    unsafe { *other.task.get() = Some(task) };
    if !other.moves(READY, POSTED) {
        // It has just gone.
        a();
        return b.into_iter().for_each(|b| b());
    }
    let wait = Wait(other);
    a();
    let is_mine = wait.end();
    drop(wait);
    if is_mine {
        // SAFETY: the task was taken back, so that `b` is this thread's alone again.
        return unsafe { call::<B>((&raw mut b).cast()) };
    }
    // SAFETY: the other thread is done with the task and has not got another one.
    if let Some(panic) = unsafe { (*other.panic.get()).take() } {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn in_pool(threads: usize, f: impl FnOnce() + Send) {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f);
    }

    #[test]
    fn both_are_called_once_each_time() {
        for threads in [1, 2, 4] {
            in_pool(threads, || {
                let (mut x, mut y) = (0u64, 0u64);
                for k in 0..20_000 {
                    join(|| x += k, || y += 2 * k);
                    assert_eq!((x, y), (k * (k + 1) / 2, k * (k + 1)), "{threads} threads");
                }
            });
        }
    }

    #[test]
    fn another_thread_takes_part_and_goes_when_there_is_nothing_to_do() {
        in_pool(2, || {
            let me = current().id();
            let others = AtomicUsize::new(0);
            let work = || std::hint::black_box((0..2000).sum::<u64>());
            let begin = Instant::now();
            // On a busy machine it may take its time to come.
            while others.load(Ordering::Relaxed) < 100 && begin.elapsed() < Duration::from_secs(20) {
                let seen = |id: ThreadId| usize::from(id != me);
                join(
                    || _ = work(),
                    || {
                        work();
                        others.fetch_add(seen(current().id()), Ordering::Relaxed);
                    },
                );
            }
            assert!(others.load(Ordering::Relaxed) >= 100);
            let begin = Instant::now();
            let is_here = || OTHER.with(|o| o.state.load(Ordering::Acquire) != ABSENT);
            while is_here() && begin.elapsed() < Duration::from_secs(20) {
                std::thread::yield_now();
            }
            assert!(!is_here());
        });
    }

    #[test]
    fn a_panic_on_either_side_comes_out_when_both_have_ended() {
        in_pool(2, || {
            let ended = AtomicUsize::new(0);
            for round in 0..300 {
                let end = || {
                    std::hint::black_box((0..500).sum::<u64>());
                    ended.fetch_add(1, Ordering::Relaxed);
                };
                let is_first = round % 2 == 0;
                let result = catch_unwind(AssertUnwindSafe(|| {
                    join(
                        || {
                            end();
                            assert!(!is_first, "first");
                        },
                        || {
                            end();
                            assert!(is_first, "second");
                        },
                    );
                }));
                assert!(result.is_err(), "{round}");
                // Where the first one ends so, the second one need not have been begun.
                if !is_first {
                    assert!(ended.swap(0, Ordering::Relaxed) >= 2, "{round}");
                }
            }
        });
    }
}
