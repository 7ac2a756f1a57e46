import { computed, reactive, ref } from 'vue'
import type { Answer } from '@/backend/contract'
import { useTask } from '@/composables/use-task'
import { useJobs } from '@/stores/jobs'

/** The answer to a question, given once. A secret in it is handed on and kept nowhere. */
export function useAnswer() {
  const jobs = useJobs()
  const given = ref(false)
  const task = useTask((answer: Answer) => jobs.answer(answer))

  async function give(answer: Answer) {
    if (given.value) return
    given.value = true
    if (!(await task.run(answer))) given.value = false
  }

  return reactive({ given, failure: computed(() => task.failure), give })
}
