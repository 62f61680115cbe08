//! Whose voice a campaign names.

/// The services that speak. A campaign names their voices as `SERVICE:NAME`.
const SERVICES: [&str; 4] = ["deepgram", "elevenlabs", "openai", "sarvam"];

/// The embedded synthesiser, whose voices are named without its name.
pub(super) const EMBEDDED: &str = "embedded";

/// The part of a campaign's voice that is meant for this synthesiser: `None` if the voice is another's, or there is
/// none.
pub(super) fn own_voice<'v>(synthesizer: &str, voice: Option<&'v str>) -> Option<&'v str> {
    let voice = voice?;
    let (owner, name) = match voice.split_once(':') {
        Some((service, name)) if SERVICES.contains(&service) => (service, name),
        _ => (EMBEDDED, voice),
    };
    (owner == synthesizer).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_belongs_to_one_synthesiser_and_the_others_keep_their_own() {
        for (voice, owner, name) in [
            ("elevenlabs:JBF", "elevenlabs", "JBF"),
            ("sarvam:shubh", "sarvam", "shubh"),
            ("rms", EMBEDDED, "rms"),
            ("es:en-gb+f2", EMBEDDED, "es:en-gb+f2"),
        ] {
            for synthesizer in SERVICES.into_iter().chain([EMBEDDED]) {
                let expected = (synthesizer == owner).then_some(name);
                assert_eq!(own_voice(synthesizer, Some(voice)), expected, "{voice} {synthesizer}");
            }
        }
        assert_eq!(own_voice("sarvam", None), None);
    }
}
