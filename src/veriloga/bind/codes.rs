//! Machine code of a module's evaluation: one for instances whatever their connections, and further ones for many instances
//! whose nodes are tied together alike (see `passes::tie`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::VaDevice;
use super::targets::Sinks;
use crate::veriloga::jit::Kernel;
use crate::veriloga::passes::{Ties, apart};

/// So many instances alike have code of their own: fewer would leave lanes empty that others could fill. All instances of
/// a batch alike have it, too; less than a third of them have not: where most rest, groups of many kinds are not full.
const OWN_FROM: usize = 8;
/// Codes of a batch at most, besides the one for the rest.
const MOST: usize = 3;

/// Code, and where its results go.
pub struct Code {
    pub kernel: Kernel,
    pub sinks: Sinks,
}

/// Codes made so far, or why there are none; by ties.
#[derive(Default)]
pub struct Codes(Mutex<HashMap<Ties, Made>>);

type Made = Result<Arc<Code>, String>;

/// Which code evaluates which instance of a batch.
#[derive(Clone, Default)]
pub struct Plan {
    pub codes: Vec<Arc<Code>>,
    /// By instance.
    pub of: Vec<u32>,
}

/// Which of the module's unknowns, at these rows, are one.
fn ties_at(rows: &[u32]) -> Ties {
    let first = |row: &u32| rows.iter().position(|r| r == row).map(|k| k as u32);
    rows.iter().map(|row| if *row == 0 { None } else { first(row) }).collect()
}

/// The ties that have code of their own, and by instance which of them, if any.
fn own_codes(rows: &[u32], n: usize) -> (Vec<Ties>, Vec<Option<u32>>) {
    let mut known: HashMap<Ties, usize> = HashMap::new();
    let mut list: Vec<(Ties, usize)> = vec![];
    let mut of = Vec::with_capacity(n);
    for own in rows.chunks_exact(rows.len() / n) {
        let ties = ties_at(own);
        let number = *known.entry(ties).or_insert_with_key(|ties| {
            list.push((ties.clone(), 0));
            list.len() - 1
        });
        list[number].1 += 1;
        of.push(number);
    }
    let mut best: Vec<usize> =
        (0..list.len()).filter(|k| list[*k].1 >= OWN_FROM.min(n) && 3 * list[*k].1 >= n).collect();
    best.sort_by_key(|k| std::cmp::Reverse(list[*k].1));
    best.truncate(MOST);
    let new = |k: &usize| best.iter().position(|b| b == k).map(|k| k as u32);
    let of = of.iter().map(new).collect();
    (best.iter().map(|k| list[*k].0.clone()).collect(), of)
}

impl VaDevice {
    fn make(&self, ties: &Ties) -> Made {
        let p = &self.program;
        let is_general = *ties == apart(ties.len());
        let own = (!is_general).then(|| p.eval_tied(ties));
        let func = own.as_ref().unwrap_or_else(|| p.eval());
        let kernel = Kernel::compile(p, func)?;
        Ok(Arc::new(Code { kernel, sinks: Sinks::of(func, &p.entries, ties) }))
    }

    /// Code for each of some ties; made now unless it is there.
    fn codes(&self, all: &[Ties]) -> Vec<Made> {
        let known = |ties: &Ties| self.codes.0.lock().unwrap_or_else(PoisonError::into_inner).get(ties).cloned();
        let get = |ties: &Ties| known(ties).unwrap_or_else(|| self.make(ties));
        // Work that others may steal must not be done while the codes are locked.
        let made: Vec<Made> = match all {
            [_, _, ..] if rayon::current_num_threads() > 1 => all.par_iter().map(get).collect(),
            _ => all.iter().map(get).collect(),
        };
        let mut known = self.codes.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().zip(made).map(|(ties, made)| known.entry(ties.clone()).or_insert(made).clone()).collect()
    }

    /// Code for instances with unknowns at these rows, instance by instance. The message says what the code generator
    /// disliked.
    pub(super) fn plan(&self, rows: &[u32], n: usize) -> Result<Plan, String> {
        if n == 0 || rows.is_empty() {
            return Ok(Plan::default());
        }
        let (mut ties, of) = own_codes(rows, n);
        if of.contains(&None) {
            ties.push(apart(rows.len() / n));
        }
        let rest = ties.len() as u32 - 1;
        let codes = self.codes(&ties).into_iter().collect::<Result<_, _>>()?;
        Ok(Plan { codes, of: of.into_iter().map(|k| k.unwrap_or(rest)).collect() })
    }

    /// Makes the code for instances whatever their connections.
    pub fn prepare(&self) -> Result<(), String> {
        self.codes(&[apart(self.program.lowered.unknowns.len())]).into_iter().try_for_each(|made| made.map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many instances with each of these pairs of rows: how many codes, and which for the first of each.
    fn codes(of: &[(usize, [u32; 2])]) -> (usize, Vec<Option<u32>>) {
        let rows: Vec<u32> = of.iter().flat_map(|(n, rows)| rows.repeat(*n)).collect();
        let n = of.iter().map(|o| o.0).sum();
        let (ties, own) = own_codes(&rows, n);
        let mut first = 0;
        let of = of.iter().map(|(n, _)| (own[first], first += n).0);
        (ties.len(), of.collect())
    }

    #[test]
    fn many_alike_have_code_of_their_own() {
        assert_eq!(ties_at(&[3, 0, 3, 7, 0]), [Some(0), None, Some(0), Some(3), None]);
        // One alone, many apart, many of one kind and few of the other.
        assert_eq!(codes(&[(1, [4, 0])]), (1, vec![Some(0)]));
        assert_eq!(codes(&[(3, [4, 5]), (3, [1, 2])]), (1, vec![Some(0); 2]));
        assert_eq!(codes(&[(7, [4, 0]), (8, [4, 4]), (9, [1, 2])]), (2, vec![None, Some(1), Some(0)]));
    }
}
