//! Files that appear whole or not at all: written beside the target, renamed on success.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file in the making. Dropped without [`AtomicFile::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    temp: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Opens `.NAME.PID-N.part` in the folder of `target`. A target that exists and is not a regular file (`/dev/stdout`,
    /// a pipe) is written directly.
    pub fn create(target: &Path) -> io::Result<AtomicFile> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?
            .to_string_lossy();
        if let Ok(meta) = fs::metadata(target) {
            if meta.is_dir() {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "the path is a folder"));
            }
            if !meta.is_file() {
                let file = fs::OpenOptions::new().write(true).open(target)?;
                return Ok(AtomicFile { file: Some(file), temp: PathBuf::new(), target: target.to_path_buf() });
            }
        }
        // A link is followed, so that the rename replaces the file and not the link.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
        loop {
            let n = SERIAL.fetch_add(1, Ordering::Relaxed);
            let temp = target.with_file_name(format!(".{name}.{}-{n}.part", std::process::id()));
            match fs::OpenOptions::new().read(true).write(true).create_new(true).open(&temp) {
                Ok(file) => return Ok(AtomicFile { file: Some(file), temp, target }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where the bytes are until [`AtomicFile::commit`]: a viewer may follow the run there.
    pub fn temp(&self) -> &Path {
        &self.temp
    }

    /// Puts the file in its place.
    pub fn commit(mut self) -> io::Result<()> {
        if let Some(mut f) = self.file.take() {
            f.flush()?;
        }
        if self.temp.as_os_str().is_empty() {
            return Ok(());
        }
        match fs::rename(&self.temp, &self.target) {
            Ok(()) => {
                self.temp.clear();
                Ok(())
            }
            // `drop` removes the temporary file.
            Err(e) => Err(e),
        }
    }

    fn inner(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file is closed"))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        self.file = None;
        if !self.temp.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.temp);
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.inner()?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner()?.flush()
    }
}

impl Read for AtomicFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner()?.read(buf)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        self.inner()?.seek(pos)
    }
}
