//! Who talks over a prompt is heard in time on lines with echo and noise: shares over all recordings, on conditions
//! that nothing was tuned on. `cargo test -p samvad-media --test listener -- echo_and_noise --nocapture` prints them.

use crate::line::{EchoPath, Line, PROMPTS, SILENT, Sustained, all_over_prompt, listen, share_within, sustained};

fn row(name: &str, lines: &[Line]) {
    let found: Vec<Option<Sustained>> = lines.iter().flat_map(|line| all_over_prompt(*line)).collect();
    let missed = found.iter().filter(|found| found.is_none()).count();
    let early = found.iter().flatten().filter(|found| found.at_ms < 0).count();
    println!(
        "{name:32} {:4} {:4} {:4} {:4}   missed {missed} early {early} of {}",
        share_within(200, &found),
        share_within(260, &found),
        share_within(300, &found),
        share_within(500, &found),
        found.len()
    );
}

#[test]
fn table() {
    row("silent", &[SILENT]);
    for room in [false, true] {
        for coupling_db in [-10.0, -15.0, -17.0, -20.0, -25.0] {
            let echo = Some(EchoPath {
                coupling_db,
                delay: 960,
                room,
            });
            let lines: Vec<Line> = PROMPTS.iter().map(|prompt| Line { echo, prompt, ..SILENT }).collect();
            row(&format!("echo {coupling_db} room {room}"), &lines);
            let mut clears = 0;
            for line in lines {
                clears += usize::from(sustained(&listen(line, &[0; 15 * 8_000]), 0).is_some());
            }
            println!("   false clears {clears}");
        }
    }
    for pink in [false, true] {
        let lines: Vec<Line> = (0..4)
            .map(|seed| Line {
                noise: Some((pink, 15.0, seed)),
                ..SILENT
            })
            .collect();
        row(&format!("noise 15 dB pink {pink}"), &lines);
    }
    for pink in [false, true] {
        let lines: Vec<Line> = (0..4)
            .map(|seed| Line {
                noise: Some((pink, 15.0, seed)),
                echo: Some(EchoPath::plain(-17.0, 120)),
                ..SILENT
            })
            .collect();
        row(&format!("echo -17 noise 15 dB pink {pink}"), &lines);
    }
}

#[test]
fn which() {
    for (coupling_db, room) in [(-10.0, true), (-15.0, true), (-25.0, false), (-25.0, true)] {
        for prompt in PROMPTS {
            for r in crate::line::speakers() {
                let line = Line {
                    echo: Some(EchoPath {
                        coupling_db,
                        delay: 960,
                        room,
                    }),
                    prompt,
                    ..SILENT
                };
                let f = crate::line::over_prompt(line, &r, 0);
                if f.is_some_and(|f| f.at_ms < 0) {
                    eprintln!("{coupling_db} {room} {prompt} {} {f:?}", r.file);
                }
            }
        }
    }
}
