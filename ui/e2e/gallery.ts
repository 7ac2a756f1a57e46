// One page that shows all pictures.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SHOTS, type Taken } from './shot'

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

export default function gallery(): void {
  const all = readdirSync(SHOTS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(SHOTS, name), 'utf8')) as Taken)
  const groups = [...new Set(all.map(({ group }) => group))].sort()
  const pictures = all.reduce((sum, { shots }) => sum + shots.length, 0)
  const problems = all.flatMap(({ shots }) => shots.flatMap(({ file, problems }) => problems.map((problem) => ({ file, problem }))))

  const scene = ({ id, title, shots }: Taken) => `
    <section id="${id}"><h3>${escaped(title)} <small>${id}</small></h3><div class="row">${shots
      .map(
        ({ file, variant: { width, height, text, theme, language }, problems }) => `
      <figure class="${problems.length > 0 ? 'bad' : ''}"><a href="${file}"><img loading="lazy" src="${file}" alt="${escaped(title)}"></a>
      <figcaption>${width}×${height} · ${text === 'normal' ? '100' : '150'} % · ${theme} · ${language}${problems
        .map((problem) => `<br><b>${escaped(problem)}</b>`)
        .join('')}</figcaption></figure>`,
      )
      .join('')}</div></section>`

  writeFileSync(
    join(SHOTS, 'index.html'),
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Every page in every state</title><style>
    body{font:15px/1.5 system-ui,sans-serif;margin:24px;background:#f6f7f9;color:#1b1f24}
    .row{display:flex;flex-wrap:wrap;gap:12px;align-items:start}figure{margin:0;width:340px}
    img{width:100%;border:1px solid #dfe3e8;background:#fff}figcaption{font-size:12px;color:#5b616b}
    .bad img{outline:3px solid #b3261e}b{color:#b3261e}small{font-weight:400;color:#5b616b}nav a{margin-right:12px}
    </style><h1>Every page in every state</h1>
    <p>${all.length} states, ${pictures} pictures, ${problems.length} problems. Taken of the real pages on the real core, with software tokens and a portal: <code>npm run shots</code>.</p>
    ${problems.length > 0 ? `<h2>Problems</h2><ul>${problems.map(({ file, problem }) => `<li><a href="${file}">${file}</a>: <b>${escaped(problem)}</b></li>`).join('')}</ul>` : ''}
    <nav>${groups.map((group) => `<a href="#g-${escaped(group)}">${escaped(group)}</a>`).join('')}</nav>
    ${groups
      .map((group) => `<h2 id="g-${escaped(group)}">${escaped(group)}</h2>${all.filter((one) => one.group === group).map(scene).join('')}`)
      .join('')}</html>`,
  )
}
