//! The outside world as a run sees it: files and a clock. Nothing in the library touches either by another way.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// Fills an output.
pub type Fill<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

pub trait World: Sync {
    /// Text of a file. Bytes that are not UTF-8 (old libraries in Latin-1) are read as Latin-1.
    fn read(&self, path: &Path) -> io::Result<String>;
    /// A file that need not be text.
    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read(path).map(String::into_bytes)
    }
    /// Writes a whole file, or leaves what was there as it was.
    fn write(&self, path: &Path, fill: Fill) -> io::Result<()>;
    /// Seconds since 1970, for the dates in files.
    fn now(&self) -> u64;
}

/// The file system, the clock, and `-` for standard input.
pub struct Disk;

impl World for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        let bytes = if path == Path::new("-") {
            let mut b = vec![];
            io::stdin().lock().read_to_end(&mut b)?;
            b
        } else {
            fs::read(path)?
        };
        Ok(decode(bytes))
    }

    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, path: &Path, fill: Fill) -> io::Result<()> {
        // A pipe or a device cannot be replaced by renaming; it is written as it stands.
        let is_special = fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
        if is_special {
            let mut out = BufWriter::new(fs::OpenOptions::new().write(true).open(path)?);
            fill(&mut out)?;
            return out.flush();
        }
        if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            fs::create_dir_all(dir)?;
        }
        // Through a link, its target is replaced and the link stays.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let temporary = beside(&target);
        let result = (|| {
            let mut out = BufWriter::with_capacity(1 << 18, fs::File::create(&temporary)?);
            fill(&mut out)?;
            out.flush()?;
            drop(out);
            fs::rename(&temporary, &target)
        })();
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
    }
}

/// A name in the same directory that no other run uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text),
        Err(e) => e.into_bytes().iter().map(|&b| char::from(b)).collect(),
    }
}

/// Files in memory: for tests, and for callers without a file system.
#[derive(Default)]
pub struct Memory {
    pub files: Mutex<std::collections::BTreeMap<PathBuf, Vec<u8>>>,
}

impl Memory {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(n, t)| (PathBuf::from(n), t.as_bytes().to_vec())).collect();
        Memory { files: Mutex::new(files) }
    }

    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.lock().get(Path::new(path)).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<PathBuf, Vec<u8>>> {
        self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl World for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        match self.lock().get(path) {
            Some(b) => Ok(decode(b.clone())),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    }

    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        self.lock().get(path).cloned().ok_or_else(missing)
    }

    fn write(&self, path: &Path, fill: Fill) -> io::Result<()> {
        let mut bytes = vec![];
        fill(&mut bytes)?;
        self.lock().insert(path.to_path_buf(), bytes);
        Ok(())
    }

    fn now(&self) -> u64 {
        0
    }
}

/// `Sun Nov 22 02:23:35 2026` (UTC), the form of C's `asctime` that raw files carry.
pub fn date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = (seconds / 86400) as i64;
    let (h, m, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    // Proleptic Gregorian calendar with years that start in March, so that the leap day comes last.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (weekday, month) = (DAYS[days.rem_euclid(7) as usize], MONTHS[(month - 1).clamp(0, 11) as usize]);
    format!("{weekday} {month} {day:2} {h:02}:{m:02}:{s:02} {year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(date(951_782_400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(date(1_795_314_215), "Sun Nov 22 02:23:35 2026");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").join("x.csv");
        Disk.write(&path, &mut |w| w.write_all(b"one")).unwrap();
        let fault = Disk.write(&path, &mut |w| {
            w.write_all(b"two")?;
            Err(io::Error::other("disk full"))
        });
        assert!(fault.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn latin_1_and_byte_order_mark() {
        assert_eq!(decode(vec![0xb5, b'm']), "µm");
        assert_eq!(decode("\u{feff}* t".as_bytes().to_vec()), "* t");
    }
}
