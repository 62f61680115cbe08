//! The listener over recordings of respondents, at several levels and with noise.

mod support;

use support::{Event, Recording, hear};

#[test]
fn explore() {
    for gain in [0.0, -12.0, -6.0, 6.0] {
        for noise in [None, Some("white"), Some("pink")] {
            println!("== gain {gain} noise {noise:?}");
            for mut recording in Recording::all() {
                if !recording.file.contains(&std::env::var("FILE").unwrap_or_default()) { continue }
                if let Some(colour) = noise { recording.add_noise(colour == "pink", 15.0, 7); }
                recording.amplify(gain);
                let heard = hear(&recording);
                let mut line = String::new();
                let mut began = 0;
                for event in &heard {
                    match *event {
                        Event::Started(_, b) => began = b,
                        Event::Sustained(_, at) => line += &format!(" S{}", at - began),
                        Event::Ended(_, e, _) => line += &format!(" [{began}..{e}]"),
                        Event::Discarded(..) => line += &format!(" D{began}"),
                        Event::Beep(at) => line += &format!(" B{at}"),
                        Event::Audio(..) => {}
                    }
                }
                println!("{:24} {:?}..{:?} {line}", recording.file, recording.speech_start_ms, recording.speech_end_ms);
            }
        }
    }
}
