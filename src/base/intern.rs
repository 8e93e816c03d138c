//! Interned names. SPICE names are case-insensitive: `intern` lower-cases ASCII, so equal names are equal symbols.
//!
//! All text lives in one arena and the table holds 4-byte ids with 4 bytes of their hashes, so that a deck with 10⁵
//! elements costs tens of bytes a name and a look-up rarely touches the text of another name.

/// An interned, lower-case name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Sym(pub u32);

/// The arena of names. Symbol 0 is the empty name.
#[derive(Clone, Debug)]
pub struct Names {
    text: String,
    /// End of each name in `text`; its start is the end of the one before.
    ends: Vec<u32>,
    /// Open-addressing table of `(id + 1, hash)`; id 0 is free. Its length is a power of two.
    table: Vec<(u32, u32)>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names { text: String::new(), ends: Vec::new(), table: vec![(0, 0); 64] };
        names.intern("");
        names
    }
}

/// Multiplicative hash of the lower-cased name, eight bytes at a time. The low bits are those of the last digit among the
/// last two characters: names that are counted, `r7` or `wl[7]`, lie side by side in the table, eight in a cache line, and
/// decks go through them in order.
fn hash_lower(name: &str) -> u32 {
    const LOW: u8 = 7;
    let bytes = name.as_bytes();
    let n = bytes.len();
    let digit = (n.saturating_sub(2)..n).rev().find(|k| bytes[*k].is_ascii_digit());
    let mut h = n as u64;
    for (k, chunk) in bytes.chunks(8).enumerate() {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        word.make_ascii_lowercase();
        if let Some(at) = digit.filter(|at| at / 8 == k) {
            word[at % 8] &= !LOW;
        }
        h = (h.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h ^= h >> 32;
    }
    match digit {
        Some(at) => h as u32 & !u32::from(LOW) | u32::from(bytes[at] & LOW),
        None => h as u32,
    }
}

/// Where to look after a slot: in the next eight, not among the neighbours, which have names of their own. An odd step
/// comes by every slot.
fn next(slot: usize, mask: usize) -> usize {
    (slot + 9) & mask
}

impl Names {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all names together.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    pub fn get(&self, sym: Sym) -> &str {
        let i = sym.0 as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.text[start..self.ends[i] as usize]
    }

    /// The symbol of a name if it was interned before.
    pub fn lookup(&self, name: &str) -> Option<Sym> {
        self.probe(name, hash_lower(name)).ok()
    }

    pub fn intern(&mut self, name: &str) -> Sym {
        let hash = hash_lower(name);
        match self.probe(name, hash) {
            Ok(sym) => sym,
            Err(slot) => {
                let sym = Sym(self.ends.len() as u32);
                let start = self.text.len();
                self.text.push_str(name);
                self.text[start..].make_ascii_lowercase();
                self.ends.push(self.text.len() as u32);
                self.table[slot] = (sym.0 + 1, hash);
                if self.ends.len() * 2 > self.table.len() {
                    self.grow();
                }
                sym
            }
        }
    }

    fn probe(&self, name: &str, hash: u32) -> Result<Sym, usize> {
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.table[slot] {
                (0, _) => return Err(slot),
                (id, h) if h == hash && self.get(Sym(id - 1)).eq_ignore_ascii_case(name) => return Ok(Sym(id - 1)),
                _ => slot = next(slot, mask),
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        let mut table = vec![(0u32, 0u32); mask + 1];
        for entry in self.table.iter().filter(|e| e.0 != 0) {
            let mut slot = entry.1 as usize & mask;
            while table[slot].0 != 0 {
                slot = next(slot, mask);
            }
            table[slot] = *entry;
        }
        self.table = table;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_insensitive_and_survive_growth() {
        let mut names = Names::new();
        let a = names.intern("VDD");
        for i in 0..1000 {
            names.intern(&format!("n{i}"));
        }
        assert_eq!(names.intern("vdd"), a);
        assert_eq!(names.get(a), "vdd");
        assert_eq!(names.lookup("N999").map(|s| names.get(s).to_string()), Some("n999".into()));
        assert_eq!(names.lookup("missing"), None);
        assert_eq!(names.len(), 1002);
    }

    #[test]
    fn counted_names_lie_side_by_side_and_none_lies_far_from_its_place() {
        let block = |name: &str| hash_lower(name) & !7;
        assert!(["wl[0]", "WL[1]", "wl[7]"].iter().all(|n| block(n) == block("wl[5]")));
        assert!(block("wl[8]") != block("wl[7]") && block("wl[17]") != block("wl[7]"));
        let mut names = Names::new();
        for i in 0..200 {
            for j in 0..200 {
                for text in
                    [format!("r{i}_{j}"), format!("x1.wl[{i},{j}]"), format!("b{j}_{i}"), format!("m{}", i * 200 + j)]
                {
                    names.intern(&text);
                }
            }
        }
        let mask = names.table.len() - 1;
        let far = |(slot, (_, hash)): (usize, &(u32, u32))| {
            std::iter::successors(Some(*hash as usize & mask), |s| Some(next(*s, mask)))
                .position(|s| s == slot)
                .unwrap()
        };
        let all = names.table.iter().enumerate().filter(|e| e.1.0 != 0);
        let (sum, most) = all.map(far).fold((0, 0), |(sum, most), d| (sum + d, most.max(d)));
        assert!(sum < names.len() / 2 && most < 20, "{sum} of {}, {most}", names.len());
    }
}
