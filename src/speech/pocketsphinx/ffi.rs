//! The functions of PocketSphinx (Debian's 0.8+5prealpha) that are used here, as its headers declare them.

use std::ffi::{c_char, c_int, c_void};

/// `ps_decoder_t`.
#[repr(C)]
pub(super) struct PsDecoder {
    _opaque: [u8; 0],
}

/// `cmd_ln_t`: the settings of a decoder.
#[repr(C)]
pub(super) struct CmdLn {
    _opaque: [u8; 0],
}

/// `ps_seg_t`: an iterator over the words of a hypothesis.
#[repr(C)]
pub(super) struct PsSeg {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    pub(super) fn err_set_logfp(stream: *mut c_void);
    pub(super) fn cmd_ln_parse_r(
        inout: *mut CmdLn,
        definitions: *const c_void,
        count: i32,
        arguments: *mut *mut c_char,
        strict: i32,
    ) -> *mut CmdLn;
    pub(super) fn cmd_ln_free_r(config: *mut CmdLn) -> c_int;
    pub(super) fn ps_args() -> *const c_void;
    pub(super) fn ps_init(config: *mut CmdLn) -> *mut PsDecoder;
    pub(super) fn ps_free(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_add_word(
        decoder: *mut PsDecoder,
        word: *const c_char,
        phones: *const c_char,
        update: c_int,
    ) -> c_int;
    pub(super) fn ps_set_jsgf_string(decoder: *mut PsDecoder, name: *const c_char, jsgf: *const c_char) -> c_int;
    pub(super) fn ps_set_allphone_file(decoder: *mut PsDecoder, name: *const c_char, path: *const c_char) -> c_int;
    pub(super) fn ps_set_lm_file(decoder: *mut PsDecoder, name: *const c_char, path: *const c_char) -> c_int;
    pub(super) fn ps_set_search(decoder: *mut PsDecoder, name: *const c_char) -> c_int;
    pub(super) fn ps_unset_search(decoder: *mut PsDecoder, name: *const c_char) -> c_int;
    pub(super) fn ps_start_utt(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_process_raw(
        decoder: *mut PsDecoder,
        samples: *const i16,
        count: usize,
        no_search: c_int,
        full_utt: c_int,
    ) -> c_int;
    pub(super) fn ps_end_utt(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_get_hyp(decoder: *mut PsDecoder, score: *mut i32) -> *const c_char;
    pub(super) fn ps_get_n_frames(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_seg_iter(decoder: *mut PsDecoder) -> *mut PsSeg;
    pub(super) fn ps_seg_next(segment: *mut PsSeg) -> *mut PsSeg;
    pub(super) fn ps_seg_word(segment: *mut PsSeg) -> *const c_char;
    pub(super) fn ps_seg_frames(segment: *mut PsSeg, first: *mut c_int, last: *mut c_int);
    pub(super) fn ps_seg_prob(segment: *mut PsSeg, acoustic: *mut i32, language: *mut i32, backoff: *mut i32) -> i32;
}
