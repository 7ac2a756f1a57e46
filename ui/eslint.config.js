import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import globals from 'globals'
import ts from 'typescript-eslint'

const DOTTED = 'Literal[value=/^[a-z_]+\\.[a-z_]*$/]'
const CODE = 'Identifier[name=/[cC]ode$/]'

/** A problem code as text: compared with something called `code`, or kept in a list, a constant or a type. */
const PROBLEM_CODES = [
  `BinaryExpression[operator=/^[!=]==?$/]:has(${CODE}) > ${DOTTED}`,
  `CallExpression[callee.property.name=/^(startsWith|endsWith|includes)$/]:has(${CODE}) > ${DOTTED}`,
  ...['name', 'property.name', 'expression.property.name'].map(
    (name) => `SwitchStatement[discriminant.${name}=/[cC]ode$/] > SwitchCase > ${DOTTED}`,
  ),
  `ArrayExpression > ${DOTTED}`,
  `VariableDeclarator > ${DOTTED}`,
  `TSLiteralType > ${DOTTED}`,
].map((selector) => ({ selector, message: 'Problem codes are in src/backend/problem-codes.ts alone.' }))

export default ts.config(
  { ignores: ['dist/**', 'dist-browser/**', 'src/backend/contract.ts', 'e2e-results/**', 'shots/**'] },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  vue.configs['flat/recommended'],
  {
    files: ['**/*.ts', '**/*.vue'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        parser: ts.parser,
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      'no-undef': 'off',
      'no-console': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/no-v-html': 'error',
      'vue/no-static-inline-styles': ['error', { allowBinding: false }],
      'vue/multi-word-component-names': 'off',
      'vue/require-default-prop': 'off',
      // Layout is left to the writer: attributes of one thing stand together.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
    },
  },
  {
    // This program does not know what a `.vue` file exports; vue-tsc does, and checks these files.
    files: ['**/*.vue', 'src/main.ts', 'src/router/*.ts', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/backend/problem-codes.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...PROBLEM_CODES],
      'vue/no-restricted-syntax': ['error', ...PROBLEM_CODES],
    },
  },
  { files: ['**/*.js'], ...ts.configs.disableTypeChecked },
)
