import { mkdirSync, rmSync } from 'node:fs'
import { SHOTS } from './shot'

/** Pictures of another run do not stand among those of this one; a run of some leaves the others. */
export default function begin(): void {
  if (!process.argv.includes('-g')) rmSync(SHOTS, { recursive: true, force: true })
  mkdirSync(SHOTS, { recursive: true })
}
