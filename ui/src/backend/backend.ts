import type { InjectionKey } from 'vue'
import { inject } from 'vue'
import type { Event as AssistantEvent, operations, TextFile } from './contract'

export type CommandName = keyof operations

/** A command's arguments, as one object. */
export type Args<N extends CommandName> = operations[N]['requestBody']['content']['application/json']

export type Result<N extends CommandName> = operations[N]['responses'][200]['content']['application/json']

/** Nothing where a command takes none. */
export type Given<N extends CommandName> = Args<N> extends Record<string, never> ? [] : [args: Args<N>]

/** What the user wants when the window is closed while a token is being written. */
export type CloseAnswer = 'stay' | 'background'

/** Ends what was started. */
export type Stop = () => void

/** What lies behind the pages: the assistant's commands and events, and what only a window can do. */
export interface Backend {
  /** Rejects with a `CommandError`, never with anything else. */
  call<N extends CommandName>(name: N, ...given: Given<N>): Promise<Result<N>>
  events(listener: (event: AssistantEvent) => void): Stop
  shell: Shell
}

export interface Shell {
  /** Answers `false` where the user chose no place for it. */
  saveText(file: TextFile): Promise<boolean>
  /** The window was to be closed while a token is being written. */
  onCloseAsked(listener: () => void): Stop
  answerClose(answer: CloseAnswer): Promise<void>
  copy(text: string): Promise<void>
}

export const backendKey: InjectionKey<Backend> = Symbol('backend')

/** In a component's set-up or a store's. */
export function useBackend(): Backend {
  const backend = inject(backendKey)
  if (!backend) throw new Error('no backend was provided')
  return backend
}
