//! Ogg pages (RFC 3533): the container of recordings.
//!
//! Written are pages of whole packets only, each complete in itself, so that a file that ends after any page is a
//! good file. Read are also packets that go over several pages, and what stands before or after damage.

/// Begins every page (RFC 3533, section 6).
const CAPTURE_PATTERN: &[u8; 4] = b"OggS";
/// Bytes before the segment table.
const HEADER: usize = 27;
/// Where the checksum stands in it.
const CHECKSUM: std::ops::Range<usize> = 22..26;
/// Entries of a segment table at most; each stands for up to 255 bytes.
const MOST_SEGMENTS: usize = 255;
/// Flags of a page.
const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;
/// The granule position of a page on which no packet ends.
const NO_GRANULE: u64 = u64::MAX;
/// A packet that is longer than this when read is damage: no Opus packet or header comes near.
const LONGEST_PACKET: usize = 1 << 20;

static CRC_TABLE: [u32; 256] = crc_table();

/// The checksum of a page whose checksum field is zero: polynomial 0x04c11db7, not reflected, from zero
/// (RFC 3533, section 6).
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |crc, &byte| {
        (crc << 8) ^ CRC_TABLE[usize::from((crc >> 24) as u8 ^ byte)]
    })
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc << 1) ^ if crc & 0x8000_0000 == 0 { 0 } else { 0x04c1_1db7 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// Collects packets into pages of one logical stream.
#[derive(Debug)]
pub struct PageWriter {
    serial: u32,
    sequence: u32,
    segments: Vec<u8>,
    body: Vec<u8>,
}

impl PageWriter {
    /// A stream with a number of its own among those of one file.
    pub fn new(serial: u32) -> Self {
        Self {
            serial,
            sequence: 0,
            segments: Vec::with_capacity(MOST_SEGMENTS),
            body: Vec::new(),
        }
    }

    /// Adds a packet to the page being filled. False if it has no room for it: end the page first. A packet of more
    /// than 65,024 bytes fits no page.
    #[must_use]
    pub fn push(&mut self, packet: &[u8]) -> bool {
        let segments = packet.len() / 255 + 1;
        if self.segments.len() + segments > MOST_SEGMENTS {
            return false;
        }
        self.segments.extend(std::iter::repeat_n(255, segments - 1));
        self.segments.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
        true
    }

    /// Ends the page and appends it to `out`. `granule` is the stream's position at its end, `last` says that no page
    /// follows.
    pub fn end_page(&mut self, granule: u64, last: bool, out: &mut Vec<u8>) {
        let begin = out.len();
        let flags = if self.sequence == 0 { FIRST } else { 0 } | if last { LAST } else { 0 };
        out.extend_from_slice(CAPTURE_PATTERN);
        out.extend_from_slice(&[0, flags]);
        out.extend_from_slice(&granule.to_le_bytes());
        out.extend_from_slice(&self.serial.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.push(self.segments.len() as u8);
        out.append(&mut self.segments);
        out.append(&mut self.body);
        let page = &mut out[begin..];
        let crc = checksum(page);
        page[CHECKSUM].copy_from_slice(&crc.to_le_bytes());
        self.sequence = self.sequence.wrapping_add(1);
    }
}

/// A packet as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Its bytes.
    pub data: Vec<u8>,
    /// The position at the end of its page, if it is the last that ends there.
    pub granule: Option<u64>,
    /// Whether its page is the stream's last.
    pub last: bool,
    /// Whether pages are missing before it.
    pub after_gap: bool,
}

/// Reads the packets of the first logical stream of a file. Pages with a wrong checksum, of other streams, or torn at
/// the end of the file are passed over.
pub fn packets(file: &[u8]) -> Vec<Packet> {
    let mut reader = PacketReader::default();
    let mut at = 0;
    while let Some(found) = find(file, at) {
        match Page::read(&file[found..]) {
            Some(page) => {
                at = found + page.length;
                reader.take(&page);
            }
            None => at = found + 1,
        }
    }
    reader.packets
}

fn find(file: &[u8], from: usize) -> Option<usize> {
    let rest = file.get(from..)?;
    rest.windows(CAPTURE_PATTERN.len())
        .position(|window| window == CAPTURE_PATTERN)
        .map(|offset| from + offset)
}

struct Page<'a> {
    flags: u8,
    granule: u64,
    serial: u32,
    sequence: u32,
    segments: &'a [u8],
    body: &'a [u8],
    length: usize,
}

impl<'a> Page<'a> {
    fn read(file: &'a [u8]) -> Option<Self> {
        let header = file.get(..HEADER)?;
        let segments = file.get(HEADER..HEADER + usize::from(header[HEADER - 1]))?;
        let length = segments.iter().map(|&segment| usize::from(segment)).sum::<usize>() + HEADER + segments.len();
        let page = file.get(..length)?;
        let mut plain = page.to_vec();
        plain[CHECKSUM].fill(0);
        let four = |at: usize| Some(u32::from_le_bytes(page.get(at..at + 4)?.try_into().ok()?));
        (header[4] == 0 && checksum(&plain) == four(CHECKSUM.start)?).then_some(())?;
        Some(Self {
            flags: header[5],
            granule: u64::from_le_bytes(page.get(6..14)?.try_into().ok()?),
            serial: four(14)?,
            sequence: four(18)?,
            segments,
            body: &page[HEADER + segments.len()..],
            length,
        })
    }
}

#[derive(Default)]
struct PacketReader {
    stream: Option<(u32, u32)>,
    packets: Vec<Packet>,
    /// The beginning of a packet that goes on on the next page.
    begun: Option<Vec<u8>>,
    gap: bool,
}

impl PacketReader {
    fn take(&mut self, page: &Page<'_>) {
        match self.stream {
            Some((serial, _)) if serial != page.serial => return,
            Some((_, sequence)) if sequence.wrapping_add(1) != page.sequence => {
                self.begun = None;
                self.gap = true;
            }
            _ => {}
        }
        self.stream = Some((page.serial, page.sequence));
        let mut current = match (page.flags & CONTINUED != 0, self.begun.take()) {
            (true, begun) => begun,
            (false, _) => Some(Vec::new()),
        };
        let ended = self.packets.len();
        let mut at = 0;
        for &segment in page.segments {
            let length = usize::from(segment);
            // `None` is the end of a packet whose beginning is lost.
            if let Some(packet) = current.as_mut().filter(|packet| packet.len() < LONGEST_PACKET) {
                packet.extend_from_slice(&page.body[at..at + length]);
            }
            at += length;
            if length < 255 {
                if let Some(data) = current.take() {
                    self.packets.push(Packet {
                        data,
                        granule: None,
                        last: false,
                        after_gap: std::mem::take(&mut self.gap),
                    });
                }
                current = Some(Vec::new());
            }
        }
        if page.segments.last() == Some(&255) {
            self.begun = current;
        }
        if self.packets.len() > ended
            && let Some(packet) = self.packets.last_mut()
        {
            packet.granule = (page.granule != NO_GRANULE).then_some(page.granule);
            packet.last = page.flags & LAST != 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packets written a few to a page, and the file.
    fn file(packets: &[Vec<u8>], to_a_page: usize) -> Vec<u8> {
        let mut writer = PageWriter::new(7);
        let mut out = Vec::new();
        for (page, chunk) in packets.chunks(to_a_page).enumerate() {
            for packet in chunk {
                assert!(writer.push(packet), "a few short packets fit");
            }
            let last = (page + 1) * to_a_page >= packets.len();
            writer.end_page(page as u64, last, &mut out);
        }
        out
    }

    fn contents(file: &[u8]) -> Vec<Vec<u8>> {
        packets(file).into_iter().map(|packet| packet.data).collect()
    }

    #[test]
    fn the_checksum_is_that_of_a_page_made_by_others() {
        // The first page of a file of opusenc (opus-tools 0.2): `sox -n -r 8000 -c 2 -b 16 a.wav synth 0.02 sine 300`.
        let mut page = b"OggS\0\x02\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\xf9\x67\x34\xb2\x01\x13".to_vec();
        page.extend(b"OpusHead\x01\x02\x38\x01\x40\x1f\0\0\0\0\0");
        let mut writer = PageWriter::new(7);
        assert!(writer.push(&page[28..]));
        let mut out = Vec::new();
        writer.end_page(0, false, &mut out);
        assert_eq!(out, page);
    }

    #[test]
    fn a_packet_with_no_room_is_left_for_the_next_page() {
        let mut writer = PageWriter::new(1);
        assert!(!writer.push(&[0; 65_025]));
        assert!(writer.push(&[0; 65_024]));
        assert!(!writer.push(&[]));
        let mut out = Vec::new();
        writer.end_page(0, false, &mut out);
        assert!(writer.push(&[]));
        assert_eq!(contents(&out), [vec![0; 65_024]]);
    }

    /// A page with these segments, whole, its body the number of the page throughout.
    fn page(flags: u8, sequence: u32, segments: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend([0; 8]);
        page.extend(1u32.to_le_bytes());
        page.extend(sequence.to_le_bytes());
        page.extend([0; 4]);
        page.push(segments.len() as u8);
        page.extend(segments);
        page.extend(segments.iter().flat_map(|&length| vec![sequence as u8; length.into()]));
        let crc = checksum(&page);
        page[CHECKSUM].copy_from_slice(&crc.to_le_bytes());
        page
    }

    #[test]
    fn a_packet_that_never_ends_takes_no_more_memory_than_a_packet_may_have() {
        let mut file = page(FIRST, 0, &[255; 255]);
        for sequence in 1..20 {
            file.extend(page(CONTINUED, sequence, &[255; 255]));
        }
        file.extend(page(CONTINUED, 20, &[1]));
        let lengths: Vec<usize> = contents(&file).iter().map(Vec::len).collect();
        assert!(
            matches!(lengths[..], [length] if length < LONGEST_PACKET + 255),
            "{lengths:?} of {} bytes",
            file.len()
        );
    }

    #[test]
    fn a_packet_over_two_pages_is_put_together_and_one_without_its_beginning_is_passed_over() {
        let (first, second) = (page(FIRST, 0, &[3, 255]), page(CONTINUED, 1, &[2, 4]));
        let whole: Vec<usize> = contents(&[first.clone(), second.clone()].concat())
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(whole, [3, 257, 4]);
        assert_eq!(contents(&second), [vec![1; 4]]);
        let after_gap = packets(&[first, page(0, 5, &[6])].concat());
        assert_eq!((after_gap.len(), after_gap[1].after_gap), (2, true));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            written in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 1..40),
            to_a_page in 1usize..20,
        ) {
            let file = file(&written, to_a_page);
            let read = packets(&file);
            prop_assert_eq!(read.iter().map(|packet| packet.data.clone()).collect::<Vec<_>>(), written);
            prop_assert!(read.last().is_some_and(|packet| packet.last));
        }

        /// A crash cuts a file anywhere: every page before the cut is still there, and nothing else.
        #[test]
        fn a_file_that_ends_anywhere_gives_the_packets_of_its_whole_pages(
            written in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let file = file(&written, 3);
            let read = contents(&file[..cut.index(file.len() + 1)]);
            prop_assert!(written.starts_with(&read));
            prop_assert!(read.len().is_multiple_of(3) || read.len() == written.len());
        }

        #[test]
        fn one_wrong_byte_costs_one_page_at_most(
            written in proptest::collection::vec(proptest::collection::vec(0u8..64, 1..300), 4..20),
            wrong in any::<prop::sample::Index>(),
            change in 1u8..,
        ) {
            let mut file = file(&written, 2);
            let at = wrong.index(file.len());
            file[at] ^= change;
            let read = contents(&file);
            prop_assert!(read.len() + 2 >= written.len());
            prop_assert!(read.iter().all(|packet| written.contains(packet)));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, pages in 0usize..3) {
            let mut file = CAPTURE_PATTERN.repeat(pages);
            file.extend(bytes);
            packets(&file);
        }
    }
}
