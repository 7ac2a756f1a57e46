import { Channel, invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import type { Backend, CommandName, Given, Result } from './backend'
import { copyText } from './clipboard'
import type { Event as AssistantEvent } from './contract'
import { isFailure, ownFailure, CommandError } from './failure'
import { APP_INTERNAL } from './problem-codes'

/** The program that this window belongs to. */
export function ipcBackend(): Backend {
  return {
    call: <N extends CommandName>(name: N, ...[args]: Given<N>) => ask<Result<N>>(name, args),
    events(listener) {
      const channel = new Channel<AssistantEvent>()
      channel.onmessage = listener
      void ask('watch', { channel })
      return () => (channel.onmessage = () => undefined)
    },
    shell: {
      saveText: (file) => ask<boolean>('save_text', { file }),
      onCloseAsked(listener) {
        const listening = listen('close-asked', listener)
        return () => void listening.then((stop) => stop())
      },
      answerClose: (answer) => ask('close_answer', { answer }),
      copy: copyText,
    },
  }
}

async function ask<T = undefined>(name: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(name, args)
  } catch (thrown) {
    throw new CommandError(isFailure(thrown) ? thrown : ownFailure(APP_INTERNAL))
  }
}
