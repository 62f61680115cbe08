use super::*;
use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

const PLENTY: usize = usize::MAX;

/// A frame as a client sends it.
fn frame(opcode: OpCode, finished: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    Parser::write_message(&mut bytes, payload, opcode, finished, true);
    bytes.to_vec()
}

/// What is read from these bytes, in chunks of at most `chunk` bytes, and how much was held at most.
fn read_in_chunks(bytes: &[u8], chunk: usize, budget: usize) -> (Vec<Result<Message, FrameFault>>, usize) {
    let chunks: Vec<Result<Bytes, ()>> = bytes
        .chunks(chunk.max(1))
        .map(|c| Ok(Bytes::copy_from_slice(c)))
        .collect();
    let mut messages = Messages::new(stream::iter(chunks), Budget::new(budget));
    let (mut read, mut held) = (Vec::new(), 0);
    while let Some(Some(message)) = messages.next().now_or_never() {
        held = held.max(messages.buffer.len() + messages.fragments.as_ref().map_or(0, BytesMut::len));
        read.push(message);
    }
    assert_eq!(
        read.pop(),
        Some(Err(FrameFault::Lost)),
        "the last thing that happens to a connection"
    );
    (read, held)
}

/// What is read before the connection is lost.
fn read(bytes: &[u8]) -> Vec<Result<Message, FrameFault>> {
    read_in_chunks(bytes, usize::MAX, PLENTY).0
}

fn text_message(text: &str) -> Result<Message, FrameFault> {
    Ok(Message::Text(ByteString::from(text)))
}

fn is_protocol_fault(messages: &[Result<Message, FrameFault>]) -> bool {
    matches!(messages, [.., Err(FrameFault::Protocol(_))])
}

#[test]
fn fragments_are_put_together_with_control_frames_between_them() {
    let bytes = [
        frame(OpCode::Text, false, "संव".as_bytes()),
        frame(OpCode::Ping, true, b"ping"),
        frame(OpCode::Continue, false, b""),
        frame(OpCode::Pong, true, b""),
        // A character cut in two is whole again before it is looked at.
        frame(OpCode::Continue, false, &"ा".as_bytes()[..1]),
        frame(
            OpCode::Continue,
            true,
            &["ा".as_bytes()[1..].to_vec(), "द".into()].concat(),
        ),
        frame(OpCode::Text, true, b"next"),
    ]
    .concat();
    let ping = Ok(Message::Ping(Bytes::from_static(b"ping")));
    assert_eq!(
        read(&bytes),
        [ping, Ok(Message::Pong), text_message("संवाद"), text_message("next")]
    );
}

#[test]
fn a_close_frame_carries_its_code() {
    assert_eq!(read(&frame(OpCode::Close, true, b"")), [Ok(Message::Close(None))]);
    assert_eq!(
        read(&frame(OpCode::Close, true, b"\x03\xe9bye")),
        [Ok(Message::Close(Some(1001)))]
    );
    for malformed in [&b"\x03"[..], b"\x03\xed", b"\x03\xe8\xff"] {
        assert!(
            is_protocol_fault(&read(&frame(OpCode::Close, true, malformed))),
            "{malformed:?}"
        );
    }
}

#[test]
fn what_is_against_the_protocol_ends_the_messages() {
    let text = |finished| frame(OpCode::Text, finished, b"x");
    let unmasked = b"\x81\x01x".to_vec();
    let reserved = b"\xc1\x81\0\0\0\0x".to_vec();
    let unknown = b"\x83\x81\0\0\0\0x".to_vec();
    for bytes in [
        frame(OpCode::Continue, true, b"x"),
        [text(false), text(true)].concat(),
        [text(false), frame(OpCode::Binary, true, b"x")].concat(),
        frame(OpCode::Ping, false, b"x"),
        frame(OpCode::Ping, true, &[0; 126]),
        unmasked,
        reserved,
        unknown,
    ] {
        let messages = read(&[bytes.clone(), text(true)].concat());
        assert!(is_protocol_fault(&messages), "{bytes:?}: {messages:?}");
    }
}

#[test]
fn a_text_that_is_not_utf8_is_refused() {
    assert_eq!(read(&frame(OpCode::Text, true, b"\xff")), [Err(FrameFault::NotUtf8)]);
}

#[test]
fn a_message_is_refused_for_its_length_before_it_has_arrived() {
    let longest = vec![b'x'; LONGEST_MESSAGE];
    assert!(matches!(
        read(&frame(OpCode::Text, true, &longest))[..],
        [Ok(Message::Text(_))]
    ));
    let too_long = frame(OpCode::Text, true, &[&longest[..], b"x"].concat());
    assert_eq!(read(&too_long[..10]), [Err(FrameFault::TooLong)]);
    let endless = b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec();
    assert_eq!(read(&endless), [Err(FrameFault::TooLong)]);
    let in_fragments = [
        frame(OpCode::Text, false, &longest),
        frame(OpCode::Continue, false, b"x"),
    ]
    .concat();
    assert_eq!(read(&in_fragments), [Err(FrameFault::TooLong)]);
}

#[test]
fn l24_no_more_is_taken_than_the_budget_allows() {
    let bytes = [frame(OpCode::Text, true, b"1234"), frame(OpCode::Ping, true, b"")].concat();
    let (messages, _) = read_in_chunks(&bytes, usize::MAX, 16);
    assert_eq!(messages.len(), 2, "ten and six bytes fit: {messages:?}");
    let (messages, _) = read_in_chunks(&bytes, usize::MAX, 15);
    assert_eq!(messages, [text_message("1234"), Err(FrameFault::OverBudget)]);
    let (messages, _) = read_in_chunks(&frame(OpCode::Text, true, &[b'x'; 200])[..4], usize::MAX, 100);
    assert_eq!(messages, [Err(FrameFault::OverBudget)], "known from the header alone");
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![
        OpCode::Text,
        OpCode::Continue,
        OpCode::Binary,
        OpCode::Ping,
        OpCode::Close,
    ]);
    (opcode, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(opcode, finished, payload)| frame(opcode, finished, &payload))
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut(
        frames in proptest::collection::vec(any_frame(), 0..6), chunk in 1_usize..700,
    ) {
        let bytes = frames.concat();
        prop_assert_eq!(read_in_chunks(&bytes, chunk, PLENTY).0, read_in_chunks(&bytes, usize::MAX, PLENTY).0);
    }

    #[test]
    fn texts_come_out_as_they_were_sent(texts in proptest::collection::vec(any::<String>(), 0..6), cut in 1_usize..40) {
        let bytes: Vec<u8> = texts.iter().flat_map(|text| {
            let pieces: Vec<&[u8]> = if text.is_empty() { vec![b""] } else { text.as_bytes().chunks(cut).collect() };
            let last = pieces.len() - 1;
            let frame = |(at, piece): (usize, &&[u8])| {
                frame(if at == 0 { OpCode::Text } else { OpCode::Continue }, at == last, piece)
            };
            pieces.iter().enumerate().flat_map(frame).collect::<Vec<u8>>()
        }).collect();
        let expected: Vec<_> = texts.iter().map(|text| text_message(text)).collect();
        prop_assert_eq!(read(&bytes), expected);
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_hold_more_than_its_limit(
        bytes in proptest::collection::vec(any::<u8>(), 0..400), chunk in 1_usize..64, budget in 0_usize..500,
    ) {
        let (_, held) = read_in_chunks(&bytes, chunk, budget);
        prop_assert!(held <= budget + chunk + 14, "{} bytes held", held);
    }
}
