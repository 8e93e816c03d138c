//! Undirected graphs of symmetrised patterns, and elimination trees (J. W. H. Liu, "The role of elimination trees in
//! sparse factorization", SIAM J. Matrix Anal. Appl. 11, 1990).
//!
//! ```text
//! parent(j) = min { i > j : l_ij ≠ 0 }: for every i, climb from its lower neighbours, shortening paths behind
//! count(j)  = entries of column j of L: the columns j whose subtree of row i is climbed, once for every i
//! ```

pub const NONE: u32 = u32::MAX;

/// Compressed adjacency of an undirected graph without loops; neighbours ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    pub ptr: Vec<u32>,
    pub adj: Vec<u32>,
}

impl Graph {
    /// From entries (i, j) in any order, one or both ways, with repetitions and loops.
    pub fn new(n: usize, entries: impl Iterator<Item = (u32, u32)> + Clone) -> Graph {
        let mut start = vec![0u32; n + 1];
        for (i, j) in entries.clone().filter(|(i, j)| i != j) {
            start[i as usize + 1] += 1;
            start[j as usize + 1] += 1;
        }
        for k in 0..n {
            start[k + 1] += start[k];
        }
        let mut next = start.clone();
        let mut adj = vec![0u32; start[n] as usize];
        for (i, j) in entries.filter(|(i, j)| i != j) {
            for (a, b) in [(i, j), (j, i)] {
                adj[next[a as usize] as usize] = b;
                next[a as usize] += 1;
            }
        }
        let mut ptr = Vec::with_capacity(n + 1);
        ptr.push(0);
        let mut len = 0;
        for k in 0..n {
            let range = start[k] as usize..start[k + 1] as usize;
            adj[range.clone()].sort_unstable();
            let first = len;
            for p in range {
                if len == first || adj[len - 1] != adj[p] {
                    adj[len] = adj[p];
                    len += 1;
                }
            }
            ptr.push(len as u32);
        }
        adj.truncate(len);
        Graph { ptr, adj }
    }

    pub fn n(&self) -> usize {
        self.ptr.len() - 1
    }

    #[inline]
    pub fn of(&self, k: usize) -> &[u32] {
        &self.adj[self.ptr[k] as usize..self.ptr[k + 1] as usize]
    }

    /// The same graph with vertex `order[k]` called k.
    pub fn relabel(&self, order: &[u32]) -> Graph {
        let at = inverse(order);
        let mut ptr = Vec::with_capacity(order.len() + 1);
        let mut adj = Vec::with_capacity(self.adj.len());
        ptr.push(0);
        for &old in order {
            let first = adj.len();
            adj.extend(self.of(old as usize).iter().map(|&o| at[o as usize]));
            adj[first..].sort_unstable();
            ptr.push(adj.len() as u32);
        }
        Graph { ptr, adj }
    }
}

pub fn inverse(order: &[u32]) -> Vec<u32> {
    let mut at = vec![0; order.len()];
    for (k, &o) in order.iter().enumerate() {
        at[o as usize] = k as u32;
    }
    at
}

/// The elimination tree of a graph in its own order; [`NONE`] for roots.
pub fn parents(g: &Graph) -> Vec<u32> {
    let n = g.n();
    let mut parent = vec![NONE; n];
    let mut ancestor = vec![NONE; n];
    for i in 0..n {
        for &j in g.of(i).iter().take_while(|&&j| (j as usize) < i) {
            let mut k = j;
            while ancestor[k as usize] != i as u32 {
                let up = std::mem::replace(&mut ancestor[k as usize], i as u32);
                if up == NONE {
                    parent[k as usize] = i as u32;
                    break;
                }
                k = up;
            }
        }
    }
    parent
}

/// Children before parents, subtrees contiguous, roots and siblings ascending: position → vertex.
pub fn postorder(parent: &[u32]) -> Vec<u32> {
    let n = parent.len();
    let mut first = vec![NONE; n];
    let mut sibling = vec![NONE; n];
    let mut roots = vec![];
    for k in (0..n).rev() {
        match parent[k] {
            NONE => roots.push(k as u32),
            p => {
                sibling[k] = first[p as usize];
                first[p as usize] = k as u32;
            }
        }
    }
    let mut order = Vec::with_capacity(n);
    let mut stack = vec![];
    while let Some(root) = roots.pop() {
        stack.push(root);
        while let Some(&k) = stack.last() {
            let child = first[k as usize];
            if child == NONE {
                order.push(k);
                stack.pop();
            } else {
                first[k as usize] = sibling[child as usize];
                stack.push(child);
            }
        }
    }
    order
}

/// Entries below the diagonal in every column of the factor.
pub fn counts(g: &Graph, parent: &[u32]) -> Vec<u32> {
    let n = g.n();
    let mut count = vec![0u32; n];
    let mut seen = vec![NONE; n];
    for i in 0..n {
        seen[i] = i as u32;
        for &j in g.of(i).iter().take_while(|&&j| (j as usize) < i) {
            let mut k = j as usize;
            while seen[k] != i as u32 {
                seen[k] = i as u32;
                count[k] += 1;
                k = parent[k] as usize;
            }
        }
    }
    count
}

/// Entries of L below the diagonal and multiplications of L U, from column counts.
pub fn work(counts: &[u32]) -> (u64, f64) {
    let fill = counts.iter().map(|&c| u64::from(c)).sum();
    let flops = counts.iter().map(|&c| f64::from(c) * (f64::from(c) + 1.0)).sum();
    (fill, flops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_and_chain() {
        // An arrow pointing at the last vertex has no fill; its mirror fills up.
        let arrow = Graph::new(5, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4), (4, 0)].into_iter());
        assert_eq!(arrow.adj.len(), 8);
        let p = parents(&arrow);
        assert_eq!(p, [4, 4, 4, 4, NONE]);
        assert_eq!(counts(&arrow, &p), [1, 1, 1, 1, 0]);
        let mirror = arrow.relabel(&[4, 3, 2, 1, 0]);
        let p = parents(&mirror);
        assert_eq!(p, [1, 2, 3, 4, NONE]);
        assert_eq!(counts(&mirror, &p), [4, 3, 2, 1, 0]);
        assert_eq!(work(&[4, 3, 2, 1, 0]), (10, 40.0));
    }

    #[test]
    fn subtrees_are_contiguous() {
        let parent = [5, 3, 3, 5, 5, NONE, NONE];
        assert_eq!(postorder(&parent), [0, 1, 2, 3, 4, 5, 6]);
        let parent = [2, 4, 3, NONE, NONE];
        assert_eq!(postorder(&parent), [0, 2, 3, 1, 4]);
    }
}
