//! Phrases with words that may be left out or exchanged.
//!
//! They are written as in the JSpeech Grammar Format (JSGF, W3C Note of 5 June 2000, section 4): `[please] (stop | quit)
//! calling [me]`, with `<name>` for a rule that is written once and used in many phrases, and `<any>` for any one word.

use super::super::words::normalise;
use super::variants::Variants;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Brackets and rules within each other, at most: more is a rule that contains itself.
const DEEPEST: usize = 16;

/// The rule that stands for any one word.
const ANY: &str = "any";

/// A phrase with what may be left out or exchanged in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern(Vec<Step>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Word(String),
    /// Any one word: `<any>`.
    Any,
    /// One of these, or nothing where `optional`.
    OneOf {
        ways: Arc<[Pattern]>,
        optional: bool,
    },
}

/// What each `<name>` stands for: any of the phrases or patterns in its list.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(BTreeMap<String, Arc<[Pattern]>>);

impl Rules {
    /// Reads them, and says which cannot be read.
    pub(super) fn read(
        texts: &BTreeMap<String, Vec<String>>,
        variants: &Variants,
    ) -> (Self, Vec<(String, PatternFault)>) {
        let mut rules = Self::default();
        let mut faults = Vec::new();
        for name in texts.keys() {
            if let Err(fault) = rules.resolve(name, texts, variants, 0) {
                faults.push((name.clone(), fault));
            }
        }
        (rules, faults)
    }

    /// Reads a rule, and those that it names before it.
    fn resolve(
        &mut self,
        name: &str,
        texts: &BTreeMap<String, Vec<String>>,
        variants: &Variants,
        depth: usize,
    ) -> Result<(), PatternFault> {
        if self.0.contains_key(name) {
            return Ok(());
        }
        if depth >= DEEPEST {
            return Err(PatternFault::TooDeep);
        }
        let list = texts.get(name).ok_or_else(|| PatternFault::NoRule(name.to_owned()))?;
        for token in list.iter().flat_map(|entry| tokens(entry)) {
            if let Token::Rule(inner) = token
                && inner != ANY
            {
                self.resolve(&inner, texts, variants, depth + 1)?;
            }
        }
        let ways: Vec<Pattern> = list
            .iter()
            .map(|entry| Pattern::read(entry, self, variants))
            .collect::<Result<_, _>>()?;
        self.0.insert(name.to_owned(), ways.into());
        Ok(())
    }
}

/// What is wrong with a pattern.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum PatternFault {
    #[error("has a bracket without its other half")]
    Unbalanced,
    #[error("has nothing between `|` or brackets")]
    Empty,
    #[error("may be no word at all")]
    MayBeNothing,
    #[error("may begin with <any>")]
    BeginsWithAny,
    #[error("has `{0}`, which is not in plain form")]
    NotPlain(String),
    #[error("names the rule <{0}>, which there is not")]
    NoRule(String),
    #[error("has rules or brackets within each other without an end")]
    TooDeep,
}

impl Pattern {
    /// Whether an entry of a lexicon is written as a pattern.
    pub(super) fn is_one(entry: &str) -> bool {
        entry.contains(['[', ']', '(', ')', '|', '<', '>'])
    }

    /// Reads a pattern; its words become those that they stand for.
    pub(super) fn read(entry: &str, rules: &Rules, variants: &Variants) -> Result<Self, PatternFault> {
        let mut reader = Reader {
            tokens: tokens(entry),
            at: 0,
            rules,
            variants,
            depth: 0,
        };
        let pattern = reader.alternatives()?;
        if reader.at < reader.tokens.len() {
            return Err(PatternFault::Unbalanced);
        }
        if pattern.may_be_nothing() {
            return Err(PatternFault::MayBeNothing);
        }
        if pattern.may_begin_anyhow() {
            return Err(PatternFault::BeginsWithAny);
        }
        Ok(pattern)
    }

    /// How many words of the text, from its start, it may cover.
    pub(super) fn lengths(&self, text: &[String]) -> BTreeSet<usize> {
        self.ends(text, &BTreeSet::from([0]))
    }

    /// The words it may begin with.
    pub(super) fn first_words(&self) -> BTreeSet<&str> {
        let mut first = BTreeSet::new();
        for step in &self.0 {
            match step {
                Step::Word(word) => {
                    first.insert(word.as_str());
                    return first;
                }
                Step::Any => return first,
                Step::OneOf { ways, optional } => {
                    first.extend(ways.iter().flat_map(Self::first_words));
                    if !optional && !ways.iter().any(Self::may_be_nothing) {
                        return first;
                    }
                }
            }
        }
        first
    }

    fn may_begin_anyhow(&self) -> bool {
        for step in &self.0 {
            match step {
                Step::Word(_) => return false,
                Step::Any => return true,
                Step::OneOf { ways, .. } if ways.iter().any(Self::may_begin_anyhow) => return true,
                Step::OneOf { ways, optional } if !optional && !ways.iter().any(Self::may_be_nothing) => return false,
                Step::OneOf { .. } => {}
            }
        }
        false
    }

    fn may_be_nothing(&self) -> bool {
        self.0.iter().all(|step| match step {
            Step::Word(_) | Step::Any => false,
            Step::OneOf { ways, optional } => *optional || ways.iter().any(Self::may_be_nothing),
        })
    }

    fn ends(&self, text: &[String], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut at = starts.clone();
        for step in &self.0 {
            at = match step {
                Step::Word(word) => at
                    .iter()
                    .filter(|&&at| text.get(at) == Some(word))
                    .map(|at| at + 1)
                    .collect(),
                Step::Any => at.iter().filter(|&&at| at < text.len()).map(|at| at + 1).collect(),
                Step::OneOf { ways, optional } => {
                    let mut ends: BTreeSet<usize> = ways.iter().flat_map(|way| way.ends(text, &at)).collect();
                    if *optional {
                        ends.extend(&at);
                    }
                    ends
                }
            };
            if at.is_empty() {
                break;
            }
        }
        at
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Mark(char),
    Rule(String),
    Word(String),
}

fn tokens(entry: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = entry.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = match first {
            '[' | ']' | '(' | ')' | '|' | '>' => {
                tokens.push(Token::Mark(first));
                after
            }
            '<' => match after.split_once('>') {
                Some((name, after)) => {
                    tokens.push(Token::Rule(name.to_owned()));
                    after
                }
                None => {
                    tokens.push(Token::Mark(first));
                    after
                }
            },
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "[]()|<>".contains(c));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                tokens.push(Token::Word(word.to_owned()));
                after
            }
        }
        .trim_start();
    }
    tokens
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    rules: &'a Rules,
    variants: &'a Variants,
    depth: usize,
}

impl Reader<'_> {
    /// Sequences with `|` between them, to the end or to a closing bracket.
    fn alternatives(&mut self) -> Result<Pattern, PatternFault> {
        if self.depth >= DEEPEST {
            return Err(PatternFault::TooDeep);
        }
        self.depth += 1;
        let mut ways = vec![self.sequence()?];
        while self.tokens.get(self.at) == Some(&Token::Mark('|')) {
            self.at += 1;
            ways.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(match ways.len() {
            1 => ways.swap_remove(0),
            _ => Pattern(vec![Step::OneOf {
                ways: ways.into(),
                optional: false,
            }]),
        })
    }

    fn sequence(&mut self) -> Result<Pattern, PatternFault> {
        let mut steps = Vec::new();
        loop {
            match self.tokens.get(self.at).cloned() {
                Some(Token::Word(word)) => {
                    if normalise(&word) != word {
                        return Err(PatternFault::NotPlain(word));
                    }
                    self.at += 1;
                    let parts = self.variants.key(&word).into_iter();
                    steps.extend(parts.map(Step::Word));
                }
                Some(Token::Rule(name)) if name == ANY => {
                    self.at += 1;
                    steps.push(Step::Any);
                }
                Some(Token::Rule(name)) => {
                    self.at += 1;
                    steps.push(self.rule(&name)?);
                }
                Some(Token::Mark(open @ ('(' | '['))) => {
                    let close = if open == '(' { ')' } else { ']' };
                    self.at += 1;
                    let inner = self.alternatives()?;
                    if self.tokens.get(self.at) != Some(&Token::Mark(close)) {
                        return Err(PatternFault::Unbalanced);
                    }
                    self.at += 1;
                    steps.push(Step::OneOf {
                        ways: Arc::new([inner]),
                        optional: open == '[',
                    });
                }
                Some(Token::Mark('|' | ')' | ']')) | None if steps.is_empty() => return Err(PatternFault::Empty),
                Some(Token::Mark('|' | ')' | ']')) | None => return Ok(Pattern(steps)),
                Some(Token::Mark(_)) => return Err(PatternFault::Unbalanced),
            }
        }
    }

    fn rule(&self, name: &str) -> Result<Step, PatternFault> {
        let ways = self
            .rules
            .0
            .get(name)
            .ok_or_else(|| PatternFault::NoRule(name.to_owned()))?;
        Ok(Step::OneOf {
            ways: Arc::clone(ways),
            optional: false,
        })
    }
}

#[cfg(test)]
mod tests;
