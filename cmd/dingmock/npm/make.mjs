// Makes the npm packages of a release: one for each program, and dingmock, which depends on them.
//
//   node cmd/dingmock/npm/make.mjs --dist dist --out dist/npm          of what goreleaser has built
//   node cmd/dingmock/npm/make.mjs --binary ./dingmock --out npm-dev   of a program for this platform, as 0.0.0-dev
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

process.on('uncaughtException', (e) => {
  console.error(`make.mjs: ${e.message}`)
  process.exit(1)
})

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const template = readJSON(join(here, 'package.json'))

// The names that Node has for Go's.
const platforms = { linux: 'linux', darwin: 'darwin', windows: 'win32' }
const architectures = { amd64: 'x64', arm64: 'arm64' }

function readJSON(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

// built are the version, and the programs with the platforms that they are for.
function built({ dist, binary }) {
  if (binary) return { version: template.version, programs: [{ path: binary, os: process.platform, cpu: process.arch }] }
  const programs = readJSON(join(dist, 'artifacts.json')).filter((a) => a.type === 'Binary').map((a) => {
    const [os, cpu] = [platforms[a.goos], architectures[a.goarch]]
    if (!os || !cpu) throw new Error(`${a.path}: ${a.goos}/${a.goarch} has no name in npm: add it to make.mjs`)
    return { path: resolve(root, a.path), os, cpu }
  })
  if (programs.length === 0) throw new Error(`${dist}/artifacts.json names no program: goreleaser has built none`)
  return { version: readJSON(join(dist, 'metadata.json')).version, programs }
}

function writePackage(folder, content) {
  const publishConfig = { access: 'public' } // of a scope, which is private by default
  if (content.version.includes('-')) publishConfig.tag = 'next' // a release candidate is not the latest
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...content, publishConfig }, null, 2) + '\n')
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
}

const text = { type: 'string' }
const { values } = parseArgs({ options: { dist: text, binary: text, out: text } })
if (!values.out || !values.dist === !values.binary) throw new Error('give --out FOLDER, and either --dist FOLDER or --binary FILE')
const { version, programs } = built(values)
const { name, description, license, repository } = template
mkdirSync(values.out) // what lies in an old one is not published

const optionalDependencies = {}
for (const { path, os, cpu } of programs) {
  const carrier = `@${name}/${os}-${cpu}`
  const folder = join(values.out, `${os}-${cpu}`)
  const file = `bin/${name}${os === 'win32' ? '.exe' : ''}`
  writePackage(folder, {
    name: carrier, version, description: `The program of ${name} for ${os}-${cpu}: install ${name}`,
    license, repository, os: [os], cpu: [cpu], files: ['bin'],
    preferUnplugged: true, // a program in an archive cannot be run
  })
  writeFileSync(join(folder, 'README.md'),
    `The program of [${name}](https://www.npmjs.com/package/${name}) for ${os}-${cpu}: install \`${name}\`.\n`)
  mkdirSync(join(folder, 'bin'))
  copyFileSync(path, join(folder, file))
  chmodSync(join(folder, file), 0o755)
  optionalDependencies[carrier] = version
}
const main = join(values.out, name)
writePackage(main, { ...template, version, optionalDependencies })
copyFileSync(join(here, 'README.md'), join(main, 'README.md'))
copyFileSync(join(here, `${name}.cjs`), join(main, `${name}.cjs`))
chmodSync(join(main, `${name}.cjs`), 0o755)
