import type { Question } from '@/backend/contract'

/** One kind of question. */
export type Asking<A extends Question['ask']> = Extract<Question, { ask: A }>
