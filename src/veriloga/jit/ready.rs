//! The code generator made ready while a file is still being read: its first function takes a millisecond or two longer
//! than later ones, which is as long as everything else that a small module takes.

use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};

use super::plain::Plain;
use crate::veriloga::ir::{BinOp, Builder, In, Out, Sink, Ty, UnOp, sim};
use crate::veriloga::lower::Lowered;

static ONCE: Once = Once::new();
static AT_WORK: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

/// Begins, on a thread of its own if there is a processor for it; does nothing the second time.
pub fn make_ready() {
    ONCE.call_once(|| {
        if thread::available_parallelism().is_ok_and(|n| n.get() > 1) {
            let begun = thread::Builder::new().name("code".into()).spawn(|| drop(small()));
            *AT_WORK.lock().unwrap_or_else(PoisonError::into_inner) = begun.ok();
        }
    });
}

/// Waits until it is done.
pub fn wait() {
    let begun = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner).take();
    // What went wrong there will go wrong again, where somebody hears of it.
    begun.map(JoinHandle::join);
}

/// A function with something of everything.
fn small() -> Result<Plain, String> {
    let mut b = Builder::new("small");
    let t = b.input(In::Sim, sim::TIME, Ty::Real);
    let e = b.un(UnOp::Exp, t);
    let p = b.bin(BinOp::Pow, t, e);
    let c = b.bin(BinOp::Lt, p, t);
    let s = b.select(c, e, p);
    let s = b.div(s, t);
    b.output(Sink::new(Out::F, 0), s);
    Plain::compile(&b.finish(), &Lowered::default(), 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_small_function_compiles() {
        assert!(super::small().is_ok());
        super::make_ready();
        super::make_ready();
        super::wait();
        super::wait();
    }
}
