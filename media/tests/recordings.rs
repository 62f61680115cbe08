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

#[test]
fn explore_noise() {
    use support::*;
    let show = |name: String, samples: Vec<f64>| {
        let mut r = Recording::named("25_silence.wav");
        r.samples = samples.iter().map(|v| *v as i16).collect();
        let ev: Vec<_> = hear(&r).into_iter().filter(|e| !matches!(e, Event::Audio(..))).collect();
        if !ev.is_empty() { println!("{name}: {ev:?}"); }
    };
    for seed in 0..20 { for pink in [false, true] { for level in [10.0, 50.0, 100.0, 300.0, 1000.0, 3000.0] {
        show(format!("steady {pink} {level} {seed}"), noise(80000, pink, level, seed));
        let mut late = noise(80000, pink, level, seed); let quiet = noise(80000, pink, 5.0, seed + 99);
        for i in 0..24000 { late[i] = quiet[i]; }
        show(format!("late {pink} {level} {seed}"), late.clone());
        for i in 0..80000 { let g = 0.5 + 0.5 * (i as f64 / 8000.0 * (seed as f64 + 1.0)).sin(); late[i] = noise_at(&late, i) * g + quiet[i]; }
        show(format!("wavy {pink} {level} {seed}"), late);
        let mut bursts = quiet.clone(); let n = noise(80000, pink, level, seed + 7);
        for (k, start) in (8000..72000).step_by(8000).enumerate() { for i in start..start + 8 * (10 + 12 * k) { bursts[i] += n[i]; } }
        show(format!("bursts {pink} {level} {seed}"), bursts);
    }}}
    for (a, b) in [(350., 440.), (440., 480.), (480., 620.), (425., 425.), (400., 450.), (697., 1209.), (941., 1336.), (852., 1633.), (1000., 1000.), (1400., 1400.), (350., 350.), (2000., 2000.), (950., 950.), (1800., 1800.)] {
        for ms in [60usize, 120, 200, 400, 1000, 3000, 8000] { for peak in [300.0, 3000.0, 12000.0] { for snr in [0.0, 0.03, 0.1] {
            let n = noise(80000, true, f64::max(peak * snr, 5.0), 3);
            let v = (0..80000).map(|i| n[i] + if (8000..8000 + ms * 8).contains(&i) { let t = i as f64 / 8000.0 * std::f64::consts::TAU; peak * 0.5 * ((t * a).sin() + (t * b).sin()) } else { 0.0 }).collect();
            show(format!("tone {a} {b} {ms} {peak} {snr}"), v);
        }}}
    }
}
fn noise_at(v: &[f64], i: usize) -> f64 { v[i] }
