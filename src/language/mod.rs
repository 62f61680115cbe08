//! Language models on the network: the chat completions API of OpenAI and of every server compatible with it (vLLM,
//! Ollama, llama.cpp, AIMLAPI and the like), by its base URL.
//!
//! Source: <https://developers.openai.com/api/reference/resources/chat>, and for structured answers
//! <https://developers.openai.com/api/docs/guides/structured-outputs>.
//!
//! - [`ChatModel`]: the port, over `async-openai`, whose HTTP is ours (`transport`).
//! - [`Sentences`]: cuts what streams in into sentences that can be spoken.

mod answer;
mod chat;
mod refusal;
mod sentences;
mod transport;

pub use chat::ChatModel;
pub use sentences::Sentences;

/// A service with chat completions: what it is called here, where its settings are, and in what it differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChatService {
    /// Its name in logs and figures, and in `SAMVAD_LANGUAGE_MODEL`.
    pub name: &'static str,
    /// The variable of its key.
    pub key: &'static str,
    /// The variable of its address.
    pub base_url: &'static str,
    /// The variable of its model.
    pub model: &'static str,
    /// The variable of how structured answers are asked for.
    pub structured: &'static str,
    /// Where a request says how many tokens may be written.
    pub token_limit: TokenLimit,
}

/// The name of the parameter that limits the tokens of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenLimit {
    /// `max_completion_tokens`, the only one that OpenAI's newer models take.
    Completion,
    /// `max_tokens`, its older name: Ollama (<https://github.com/ollama/ollama/issues/7125>), and llama.cpp before 2026
    /// (<https://github.com/ggml-org/llama.cpp/pull/19831>), take the new one without a word and write on.
    Older,
}

/// OpenAI.
pub const OPENAI: ChatService = ChatService {
    name: "openai",
    key: "OPENAI_API_KEY",
    base_url: "OPENAI_BASE_URL",
    model: "OPENAI_LANGUAGE_MODEL",
    structured: "OPENAI_LANGUAGE_STRUCTURED",
    token_limit: TokenLimit::Completion,
};

/// A server compatible with OpenAI, with settings of its own.
pub const COMPATIBLE: ChatService = ChatService {
    name: "compatible",
    key: "LANGUAGE_MODEL_API_KEY",
    base_url: "LANGUAGE_MODEL_BASE_URL",
    model: "LANGUAGE_MODEL_NAME",
    structured: "LANGUAGE_MODEL_STRUCTURED",
    token_limit: TokenLimit::Older,
};
