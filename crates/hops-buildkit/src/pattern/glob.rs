//! One pattern: `*`, `?`, `[a-z]`, `\x` and `**`.

/// A pattern that is not well formed, as written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a valid pattern")]
pub(crate) struct InvalidPattern(pub(super) String);

/// A compiled pattern. Matches whole paths.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Glob {
    /// No wildcard.
    Exact(String),
    /// Plain text and a `**` at the end: any path that starts so.
    Prefix(String),
    /// A `**` at the start, plain text (not `/`) after: any path that ends so.
    Suffix(String),
    /// Anything else.
    Tokens(Vec<Token>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// This character.
    Char(char),
    /// `?`: any character but `/`.
    One,
    /// `*`: any characters but `/`.
    Name,
    /// `**` at the end: anything.
    Rest,
    /// `**` or `**/` elsewhere: nothing, or anything that ends in `/`.
    Directories,
    /// `[…]`.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    pub(crate) fn parse(pattern: &str) -> Result<Self, InvalidPattern> {
        let mut tokens = Vec::new();
        // An escape keeps the shape general, as in the library.
        let mut has_escape = false;
        let mut rest = pattern.chars().peekable();
        let invalid = || InvalidPattern(pattern.to_owned());
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' if rest.next_if_eq(&'*').is_some() => {
                    rest.next_if_eq(&'/');
                    if rest.peek().is_none() { Token::Rest } else { Token::Directories }
                }
                '*' => Token::Name,
                '?' => Token::One,
                '[' => class(&mut rest).ok_or_else(invalid)?,
                '\\' => {
                    has_escape = true;
                    Token::Char(rest.next().ok_or_else(invalid)?)
                }
                c => Token::Char(c),
            });
        }
        let simple = if has_escape { None } else { Self::simple(&tokens, pattern.starts_with("**/")) };
        Ok(simple.unwrap_or(Self::Tokens(tokens)))
    }

    /// The simple shapes are not only faster: `**x` matches `ax`, which it would not as [`Token::Directories`].
    fn simple(tokens: &[Token], starts_with_directories: bool) -> Option<Self> {
        let text = |tokens: &[Token]| -> Option<String> {
            tokens.iter().map(|token| if let Token::Char(c) = token { Some(*c) } else { None }).collect()
        };
        match tokens {
            [Token::Rest] => Some(Self::Suffix(String::new())),
            [start @ .., Token::Rest] => text(start).map(Self::Prefix),
            [Token::Directories, end @ ..] if !starts_with_directories => text(end).map(Self::Suffix),
            all => text(all).map(Self::Exact),
        }
    }

    /// Takes time in proportion to pattern times path, whatever the pattern.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()),
            Self::Tokens(tokens) => {
                let path: Vec<char> = path.chars().collect();
                // From the last token to the first: can the tokens from here match the path from each place?
                let mut after = vec![false; path.len() + 1];
                after[path.len()] = true;
                for token in tokens.iter().rev() {
                    after = token.step(&path, &after);
                }
                after[0]
            }
        }
    }
}

impl Token {
    fn step(&self, path: &[char], after: &[bool]) -> Vec<bool> {
        let mut here = vec![false; path.len() + 1];
        let mut slash_ahead = false;
        for at in (0..=path.len()).rev() {
            let c = path.get(at);
            let then = c.is_some_and(|_| after[at + 1]);
            slash_ahead |= c == Some(&'/') && then;
            here[at] = match self {
                Self::Char(wanted) => then && c == Some(wanted),
                Self::One => then && c != Some(&'/'),
                Self::Class { negated, ranges } => {
                    then && c
                        .is_some_and(|c| ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated)
                }
                Self::Name => after[at] || (c.is_some_and(|c| *c != '/') && here[at + 1]),
                Self::Rest => after[at] || (c.is_some() && here[at + 1]),
                Self::Directories => after[at] || slash_ahead,
            };
        }
        here
    }
}

/// What follows a `[`, up to and with its `]`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.next_if_eq(&']').is_some() {
            return Some(Token::Class { negated, ranges });
        }
        let low = class_char(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() { class_char(rest)? } else { low };
        ranges.push((low, high));
    }
}

fn class_char(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        c => Some(c),
    }
}
