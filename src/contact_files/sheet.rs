//! A CSV file of any size, row by row: its encoding, its delimiter and its columns are found out, and no row is ever
//! held that is longer than a row can be.

use anyhow::{Context, bail};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// Longest row in bytes. A quotation mark that is never closed would swallow the file otherwise.
const LONGEST_ROW: usize = 1 << 20;

/// A row that can be read, or why not.
pub type RowText = Result<csv::StringRecord, String>;

/// An open file, and its header.
pub struct Sheet {
    csv: csv::Reader<Guarded>,
    header: Vec<String>,
    since_row: Rc<Cell<usize>>,
    read: Rc<Cell<u64>>,
    size: u64,
    row: u64,
}

impl Sheet {
    /// Opens a file and reads its header. The delimiter is the comma, semicolon or tab that the header has most of.
    ///
    /// # Errors
    /// If the file cannot be read, is in UTF-16 or no text, or has no header.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let size = file.metadata().map_or(0, |found| found.len());
        Self::read_from(Box::new(file), Some(size)).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// The same of anything that can be read; its size in bytes is for the progress alone.
    ///
    /// # Errors
    /// As [`Sheet::open`].
    pub fn read_from(source: Box<dyn Read>, size: Option<u64>) -> anyhow::Result<Self> {
        let mut source = BufReader::with_capacity(64 * 1024, source);
        let start = source.fill_buf().context("it cannot be read")?;
        check_encoding(start)?;
        let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let delimiter = delimiter_of(&start[mark..]);
        source.consume(mark);
        let (since_row, read) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(mark as u64)));
        let guarded = Guarded {
            source,
            since_row: since_row.clone(),
            read: read.clone(),
        };
        let mut csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(guarded);
        let mut record = csv::ByteRecord::new();
        if !csv.read_byte_record(&mut record).context("the header cannot be read")? {
            bail!("it is empty; the first line must name the columns");
        }
        let header = csv::StringRecord::from_byte_record(record)
            .map_err(|_| anyhow::anyhow!("the header is not UTF-8; save the file as CSV UTF-8"))?;
        since_row.set(0);
        Ok(Self {
            csv,
            header: header.iter().map(canonical).collect(),
            since_row,
            read,
            size: size.unwrap_or(0),
            row: 1,
        })
    }

    /// The columns' names: small letters, with `_` for what is neither letter nor digit.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The column that has one of these names; `None` if there is none.
    ///
    /// # Errors
    /// If there are two.
    pub fn column(&self, names: &[&str]) -> anyhow::Result<Option<usize>> {
        let mut found = (0..self.header.len()).filter(|&index| names.contains(&self.header[index].as_str()));
        let first = found.next();
        if let (Some(first), Some(second)) = (first, found.next()) {
            bail!(
                "the columns {:?} and {:?} (columns {} and {}) mean the same; keep one",
                self.header[first],
                self.header[second],
                first + 1,
                second + 1
            );
        }
        Ok(first)
    }

    /// The next row with its number as a spreadsheet counts, the header being row 1. `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read any further.
    pub fn next_row(&mut self) -> anyhow::Result<Option<(u64, RowText)>> {
        let mut record = csv::ByteRecord::new();
        let more = self
            .csv
            .read_byte_record(&mut record)
            .with_context(|| format!("row {} cannot be read", self.row + 1))?;
        if !more {
            return Ok(None);
        }
        self.since_row.set(0);
        self.row += 1;
        let (cells, columns) = (record.len(), self.header.len());
        let text = match csv::StringRecord::from_byte_record(record) {
            Err(_) => Err("not UTF-8; save the file as CSV UTF-8".to_owned()),
            Ok(_) if cells != columns => Err(format!(
                "{cells} cells under {columns} columns; put cells that hold the delimiter in quotation marks"
            )),
            Ok(record) => Ok(record),
        };
        Ok(Some((self.row, text)))
    }

    /// How much of the file has been read, from 0 to 1; `None` if its size is not known.
    pub fn part_read(&self) -> Option<f64> {
        (self.size > 0).then(|| (self.read.get() as f64 / self.size as f64).min(1.0))
    }
}

/// Counts what is read since the last row, and ends a row that is too long.
struct Guarded {
    source: BufReader<Box<dyn Read>>,
    since_row: Rc<Cell<usize>>,
    read: Rc<Cell<u64>>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > LONGEST_ROW {
            return Err(io::Error::other(
                "it is longer than a mebibyte; look for a quotation mark that is not closed",
            ));
        }
        let count = self.source.read(buffer)?;
        self.since_row.set(self.since_row.get() + count);
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

fn check_encoding(start: &[u8]) -> anyhow::Result<()> {
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        bail!("it is in UTF-16 (a spreadsheet's \"Unicode text\"); save it as CSV UTF-8");
    }
    if start.starts_with(b"PK\x03\x04") {
        bail!("it is a spreadsheet's own file (or another archive); save it as CSV UTF-8");
    }
    if start.contains(&0) {
        bail!("it holds zero bytes: it is in UTF-16 or no text; save it as CSV UTF-8");
    }
    Ok(())
}

/// The delimiter that the first line has most of outside quotation marks; the comma if it has none.
fn delimiter_of(start: &[u8]) -> u8 {
    let (mut counts, mut quoted) = ([(b',', 0), (b';', 0), (b'\t', 0)], false);
    for byte in start.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')) {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| !quoted && delimiter == byte) {
            *count += 1;
        }
    }
    // The first of equals: the comma.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(delimiter, _)| *delimiter)
}

/// A column's name, however it is written.
fn canonical(name: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    name.trim()
        .chars()
        .map(plain)
        .collect::<String>()
        .trim_matches('_')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sheet(text: &[u8]) -> anyhow::Result<Sheet> {
        Sheet::read_from(Box::new(io::Cursor::new(text.to_vec())), Some(text.len() as u64))
    }

    fn rows(text: &[u8]) -> Vec<(u64, RowText)> {
        let mut sheet = sheet(text).expect("a header");
        std::iter::from_fn(|| sheet.next_row().expect("readable")).collect()
    }

    #[test]
    fn a_byte_order_mark_and_any_delimiter_are_understood() {
        for text in [
            "\u{feff}Phone Number;zone\n1;2\n",
            "phone-number\tzone\n1\t2\n",
            "\"Phone number\",Zone\r\n1,2\r\n",
        ] {
            let sheet = sheet(text.as_bytes()).expect("a header");
            assert_eq!(sheet.header(), ["phone_number", "zone"], "{text}");
            let rows = rows(text.as_bytes());
            assert_eq!(rows.len(), 1);
            let cells: Vec<_> = rows[0].1.as_ref().expect("good").iter().collect();
            assert_eq!((rows[0].0, cells), (2, vec!["1", "2"]));
        }
    }

    #[test]
    fn a_line_break_or_delimiter_within_quotation_marks_is_part_of_its_cell_and_no_row() {
        let rows = rows(b"a;b\r\n\"one\r\ntwo; three\";x\r\n4;5\r\n");
        let cells = |row: usize| rows[row].1.as_ref().expect("good").iter().collect::<Vec<_>>();
        assert_eq!(cells(0), ["one\r\ntwo; three", "x"]);
        assert_eq!((rows[1].0, cells(1)), (3, vec!["4", "5"]));
    }

    #[test]
    fn a_file_that_is_no_utf_8_text_is_refused_by_what_it_is() {
        let fault = |bytes: &[u8]| sheet(bytes).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(fault(b"\xff\xfep\0h\0").contains("UTF-16"));
        assert!(fault(b"p\0h\0o\0").contains("UTF-16"));
        assert!(fault(b"PK\x03\x04rest").contains("spreadsheet"));
        assert!(fault(b"").contains("empty"));
    }

    #[test]
    fn a_bad_row_is_named_and_the_next_is_read() {
        let rows = rows(b"a,b\n1,2,3\n\xff,2\n1,2\n");
        assert!(rows[0].1.as_ref().is_err_and(|fault| fault.contains("3 cells")));
        assert!(rows[1].1.as_ref().is_err_and(|fault| fault.contains("UTF-8")));
        assert!(rows[2].1.is_ok() && rows[2].0 == 4);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_does_not_fill_the_memory() {
        let mut text = b"a\n\"".to_vec();
        text.resize(4 << 20, b'x');
        let mut sheet = sheet(&text).expect("a header");
        let fault = format!("{:#}", sheet.next_row().expect_err("too long"));
        assert!(fault.contains("row 2") && fault.contains("quotation mark"), "{fault}");
        assert!(
            sheet.part_read().is_some_and(|part| part < 0.5),
            "the rest was not read"
        );
    }

    #[test]
    fn two_columns_of_one_meaning_are_refused() {
        let sheet = sheet(b"phone,mobile\n").expect("a header");
        assert!(sheet.column(&["phone", "mobile"]).is_err());
        assert_eq!(sheet.column(&["mobile"]).ok().flatten(), Some(1));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(mut sheet) = sheet(&bytes) {
                while let Ok(Some(_)) = sheet.next_row() {}
            }
        }
    }
}
