import type zh from './zh'

/** What every language has to say: the same keys as Chinese. */
export type Words = Shape<typeof zh>

type Shape<T> = { [K in keyof T]: T[K] extends string ? string : T[K] extends string[] ? string[] : Shape<T[K]> }
