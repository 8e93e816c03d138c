//! Which unknown is eliminated when: minimum degree (P. R. Amestoy, T. A. Davis, I. S. Duff, SIAM J. Matrix Anal. Appl.
//! 17, 1996; faer's implementation) or nested dissection, whichever is estimated to be cheaper.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::SymbolicSparseColMatRef;
use faer::sparse::linalg::amd;

use super::dissection::{self, placed::NOWHERE};
use super::etree::{self, Graph};

/// A fill-reducing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Approximate minimum degree.
    Amd,
    /// Nested dissection.
    Dissection,
    /// Nested dissection by the places of the unknowns.
    Placed,
}

impl Ordering {
    pub fn name(self) -> &'static str {
        match self {
            Ordering::Amd => "amd",
            Ordering::Dissection => "nd",
            Ordering::Placed => "placed",
        }
    }
}

/// Blocks with fewer unknowns, or with less work for an unknown than this, keep their minimum degree order: nothing is
/// to be gained there.
const SMALL: usize = 2000;
const LIGHT: f64 = 400.0;

/// Approximate minimum degree: position → vertex.
pub fn minimum_degree(g: &Graph) -> Vec<u32> {
    let n = g.n();
    let (mut order, mut place) = (vec![0u32; n], vec![0u32; n]);
    let matrix = SymbolicSparseColMatRef::new_checked(n, n, &g.ptr, None, &g.adj);
    let mut memory = MemBuffer::new(amd::order_scratch::<u32>(n, g.adj.len()));
    let stack = MemStack::new(&mut memory);
    match amd::order(&mut order, &mut place, matrix, amd::Control::default(), stack) {
        Ok(_) => order,
        Err(_) => (0..n as u32).collect(),
    }
}

/// Time for the numeric work in an order, in units of one multiplication.
fn effort(g: &Graph, order: &[u32]) -> f64 {
    let g = g.relabel(order);
    let (fill, flops) = etree::work(&etree::counts(&g, &etree::parents(&g)));
    flops + 12.0 * fill as f64
}

/// What is known before.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// The order that is to be taken; otherwise the one that is estimated to be cheaper.
    pub wanted: Option<Ordering>,
    /// The minimum degree order of the blocks: position → vertex.
    pub minimum_degree: Option<&'a [u32]>,
    /// Where the vertices lie; empty: unknown.
    pub places: &'a [[u32; 2]],
}

/// An order for a graph without edges between blocks, blocks one after another: position → vertex.
pub fn order(graph: &Graph, blocks: &[u32], known: Known) -> (Vec<u32>, Ordering) {
    let wanted = known.wanted;
    let mut all = Vec::with_capacity(graph.n());
    let mut used = Ordering::Amd;
    for w in blocks.windows(2) {
        let (start, end) = (w[0] as usize, w[1] as usize);
        if end - start <= 2 {
            all.extend(w[0]..w[1]);
            continue;
        }
        let base = graph.ptr[start];
        let range = base as usize..graph.ptr[end] as usize;
        let block = Graph {
            ptr: graph.ptr[start..=end].iter().map(|p| p - base).collect(),
            adj: graph.adj[range].iter().map(|v| v - w[0]).collect(),
        };
        let places = known.places.get(start..end).unwrap_or(&[]);
        if wanted.is_none_or(|w| w == Ordering::Placed) && block.n() >= SMALL && is_placed(places) {
            let cut = dissection::placed::order(&block, places);
            used = Ordering::Placed;
            all.extend(cut.into_iter().map(|k| k + w[0]));
            continue;
        }
        let mut best = vec![];
        if wanted != Some(Ordering::Dissection) || block.n() < SMALL {
            best = match known.minimum_degree {
                Some(all) => all[start..end].iter().map(|v| v - w[0]).collect(),
                None => minimum_degree(&block),
            };
        }
        if wanted != Some(Ordering::Amd) && block.n() >= SMALL {
            let effort_amd = if best.is_empty() { f64::INFINITY } else { effort(&block, &best) };
            if effort_amd > LIGHT * block.n() as f64 {
                let cut = dissection::order(&block);
                if effort(&block, &cut) < effort_amd {
                    best = cut;
                    used = Ordering::Dissection;
                }
            }
        }
        all.extend(best.into_iter().map(|k| k + w[0]));
    }
    (all, used)
}

/// Are there enough unknowns whose places are known?
pub fn is_placed(places: &[[u32; 2]]) -> bool {
    !places.is_empty() && 2 * places.iter().filter(|p| **p != NOWHERE).count() >= places.len()
}
