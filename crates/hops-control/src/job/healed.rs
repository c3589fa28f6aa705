//! What came to serve after its deploy had ended: a form that was given up and healed, or of which nobody could say.

use hops_model::{ApplingStatus, DesiredAppling, InstanceState};
use hops_store::StoreError;

use super::Job;

impl Job {
    /// Takes note of what serves by the engine's word, and is not what the deploys' ends say. A deploy that is about to begin
    /// would otherwise go back to less than what there was.
    pub(super) async fn note_what_healed(&self) -> Result<(), StoreError> {
        let target = &self.deploy.target;
        let running = match self.parts.engine.status(target).await {
            Ok(running) => running,
            // The deploy will meet it, too, or it was for a moment.
            Err(error) => {
                tracing::debug!(%target, %error, "what serves cannot be asked for");
                return Ok(());
            }
        };
        let serving = self.parts.store.serving(target).await?;
        let mut healed = Vec::new();
        for appling in running.iter().filter(|appling| is_whole(appling)) {
            let is_known = serving.get(&appling.name).is_some_and(|form| form.release == appling.release);
            if !is_known {
                healed.extend(self.form_of(appling).await?);
            }
        }
        if !healed.is_empty() {
            let names: Vec<&str> = healed.iter().map(|form| form.name.as_str()).collect();
            tracing::info!(%target, applings = names.join(", "), "serves after all");
            self.parts.store.note_serving(target, &healed).await?;
        }
        Ok(())
    }

    /// The form that an appling took in the release that it is of.
    async fn form_of(&self, appling: &ApplingStatus) -> Result<Option<DesiredAppling>, StoreError> {
        let release = self.parts.store.release(&self.deploy.target, appling.release).await?;
        let forms = release.into_iter().flat_map(|release| release.desired.applings);
        Ok(forms.into_iter().find(|form| form.name == appling.name && form.release == appling.release))
    }
}

/// Whether as many take requests as there are to be, all of the form that is wanted.
fn is_whole(appling: &ApplingStatus) -> bool {
    let of_it = |instance: &&hops_model::Instance| {
        instance.release == appling.release && instance.state == InstanceState::Ready
    };
    appling.wanted > 0 && appling.instances.iter().filter(of_it).count() >= appling.wanted as usize
}
