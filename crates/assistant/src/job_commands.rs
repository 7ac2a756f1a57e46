//! The commands about jobs.

use crate::{
    Assistant,
    error::Result,
    view::{Answer, CurrentJob, Done, JobView, Unfinished},
};

impl Assistant {
    pub(crate) fn start_renewal(&self, no: String, remove_old: bool) -> Result<JobView> {
        self.jobs.start_renewal(no, remove_old)
    }

    pub(crate) fn give_up(&self, no: String) -> Result<JobView> {
        self.jobs.give_up(no)
    }

    pub(crate) fn start_unlock(&self, token_id: Option<String>, no: Option<String>) -> Result<JobView> {
        self.jobs.start_unlock(token_id, no)
    }

    pub(crate) fn start_pin_change(&self, token_id: String) -> Result<JobView> {
        self.jobs.start_pin_change(token_id)
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

    pub(crate) fn dismiss_job(&self, job: u32) -> Result<Done> {
        self.jobs.dismiss(job)
    }

    pub(crate) fn unfinished(&self) -> Result<Unfinished> {
        Ok(Unfinished { items: self.jobs.unfinished()? })
    }

    pub(crate) fn forget_unfinished(&self, no: String) -> Result<Unfinished> {
        Ok(Unfinished { items: self.jobs.forget_unfinished(no)? })
    }
}
