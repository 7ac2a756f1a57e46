//! The commands of jobs.

use ycd_token::TokenId;

use crate::{
    Assistant,
    error::Result,
    jobs,
    view::{Answer, CurrentJob, Done, Event, JobKind, JobView, Unfinished, UnfinishedView},
};

impl Assistant {
    pub(crate) fn start_renewal(&self, no: String, remove_old: bool) -> Result<JobView> {
        let steps = jobs::renewal::rows(&jobs::renewal::STEPS);
        let order = no.clone();
        self.jobs.start(JobKind::Renewal, Some(no), None, steps, move |context| {
            jobs::renewal::run(context, &order, remove_old)
        })
    }

    pub(crate) fn give_up(&self, no: String) -> Result<JobView> {
        let steps = jobs::renewal::rows(&jobs::give_up::STEPS);
        let order = no.clone();
        self.jobs
            .start(JobKind::GiveUp, Some(no), None, steps, move |context| jobs::give_up::run(context, &order))
    }

    pub(crate) fn start_unlock(&self, token_id: Option<String>, no: Option<String>) -> Result<JobView> {
        let steps = jobs::unlock::rows();
        let token = token_id.map(TokenId::from);
        let (wanted, order) = (token.clone(), no.clone());
        self.jobs.start(JobKind::Unlock, no, token, steps, move |context| {
            jobs::unlock::run(context, wanted, order)
        })
    }

    pub(crate) fn start_pin_change(&self, token_id: String) -> Result<JobView> {
        let token = TokenId::from(token_id);
        let wanted = token.clone();
        self.jobs.start(JobKind::PinChange, None, Some(token), Vec::new(), move |context| {
            jobs::pin_change::run(context, wanted)
        })
    }

    pub(crate) fn job(&self) -> Result<CurrentJob> {
        Ok(CurrentJob { job: self.jobs.view() })
    }

    pub(crate) fn answer(&self, job: u32, question: u32, answer: Answer) -> Result<Done> {
        self.jobs.answer(job, question, answer)
    }

    pub(crate) fn stop_job(&self, job: u32) -> Result<Done> {
        self.jobs.stop(job)
    }

    pub(crate) fn unfinished(&self) -> Result<Unfinished> {
        Ok(Unfinished { items: self.unfinished_job()? })
    }

    pub(crate) fn forget_unfinished(&self, no: String) -> Result<Unfinished> {
        let journal = self.shared.data_dir.journal()?;
        for unfinished in journal.unfinished()?.into_iter().filter(|unfinished| unfinished.order == no) {
            journal.close(&unfinished.portal, &unfinished.order)?;
        }
        for unfinished in
            journal.unfinished_unlocks()?.into_iter().filter(|unfinished| unfinished.order == no)
        {
            journal.unlock_done(
                &unfinished.portal,
                &TokenId::from(unfinished.token_id),
                self.shared.clock.now(),
            )?;
        }
        let items = self.unfinished_job()?;
        self.shared.events.tell(&Event::Unfinished { items: items.clone() });
        Ok(Unfinished { items })
    }

    pub(crate) fn unfinished_job(&self) -> Result<Vec<UnfinishedView>> {
        jobs::unfinished(&self.shared, &self.tokens.handle())
    }
}
