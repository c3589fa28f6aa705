//! Diagnostics for people: the place, the excerpt, the fix.

use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, renderer::DecorStyle};
use hops_model::RepoPath;

use crate::{Diagnostic, Severity};

/// Renders diagnostics with excerpts of the files they are about, one after the other, separated by blank lines.
///
/// `files` are those of the same [`crate::Reading`]. Colour is the caller's decision, who knows the terminal.
pub fn render(diagnostics: &[Diagnostic], files: &BTreeMap<RepoPath, String>, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut rendered = String::new();
    for diagnostic in diagnostics {
        if !rendered.is_empty() {
            rendered.push('\n');
        }
        rendered.push_str(&render_one(&renderer, diagnostic, files));
        rendered.push('\n');
    }
    rendered
}

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic, files: &BTreeMap<RepoPath, String>) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.as_str());
    let text = files.get(&diagnostic.file).map_or("", String::as_str);
    let excerpt = Snippet::source(text)
        .path(diagnostic.file.as_str())
        .annotation(AnnotationKind::Primary.span(diagnostic.span.clone()));
    let mut group = title.element(excerpt);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}
