"""tests/scenario answers as expected: on the project's sample always, on generated scenarios where there are catalogues.

The catalogues and the generator are not part of the repository. When they lie beside it (../shared), scenarios made of
them are run too.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from stack import REPOSITORY

SAMPLE = REPOSITORY / 'deploy' / 'sample' / 'make_sample.py'
GENERATOR = REPOSITORY.parent / 'shared' / 'scenario' / 'make_scenario.py'
CATALOGUES = REPOSITORY.parent / 'shared' / 'data'


class ScenarioCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-scenario-')))

    def run_program(self, *arguments):
        done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f'{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}')
        return done.stdout

    def answers(self, rule):
        """Runs the scenario in the folder; returns where its answers are."""
        self.run_program(REPOSITORY / 'tests' / 'scenario', self.folder, self.folder / 'answers' / rule,
                         *(['--ignore-case'] if rule == 'casefold' else []))
        return self.folder / 'answers' / rule


class Sample(ScenarioCase):
    def check(self, rule):
        self.run_program(SAMPLE, 'make', self.folder)
        answers = self.answers(rule)
        compared = self.run_program(SAMPLE, 'compare', self.folder / 'expected' / rule, answers)
        self.assertEqual(compared.count('equal'), 15, compared)

    def test_letter_case_counts(self):
        self.check('exact')

    def test_letter_case_ignored(self):
        self.check('casefold')


@unittest.skipUnless(GENERATOR.exists(), 'no catalogues beside the repository')
class Generated(ScenarioCase):
    # What the reasons must hold for a kind of mismatch that was planted. A look-alike of a dash is a dash.
    KINDS = {'case': {'CASE'}, 'space_inner': {'INNER_SPACE'}, 'dash': {'DASH_OR_UNDERSCORE'}, 'zero': {'LEADING_ZERO'},
             'lookalike': {'LOOKALIKE', 'INVISIBLE_CHARACTER', 'DASH_OR_UNDERSCORE'}}

    def check_reasons(self, answers):
        """All that was planted is found, but for what another variant is more like."""
        planted = {}
        for path in self.folder.glob('planted.*.jsonl'):
            reasons = {row['listing_id']: row for row in map(
                json.loads, (answers / path.name.replace('planted', 'reasons')).read_text().splitlines())}
            for row in map(json.loads, path.read_text().splitlines()):
                if row['kind'] in self.KINDS and row['listing_id'] in reasons:
                    found = reasons[row['listing_id']]
                    planted.setdefault(row['kind'], []).append(
                        found['variant_id'] == row['variant_id'] and len(found['differences']) == 1 and
                        found['reason'] in self.KINDS[row['kind']])
        shares = {kind: sum(found) / len(found) for kind, found in planted.items()}
        self.assertTrue(all(share > 0.97 for share in shares.values()), shares)
        return set(planted)

    def check(self, rule, catalogue, *options):
        self.run_program(GENERATOR, 'gen', '--catalog', CATALOGUES / f'{catalogue}.catalog.jsonl.gz', '--out', self.folder, *options)
        answers = self.answers(rule)
        expected = self.folder / 'expected' / rule
        self.run_program(GENERATOR, 'compare', '--expected', expected, '--answer', answers)
        statistics = json.loads((answers / 'channel_statistics.json').read_text())
        summary = json.loads((expected / 'summary.json').read_text())['channel_statistic']
        for channel, numbers in statistics.items():
            self.assertEqual(numbers, {name: summary[channel][name] for name in numbers}, channel)
        return answers

    def test_foodmart(self):
        self.check('exact', 'foodmart', '--seed', '11', '--channels', '3')

    def test_sunrise_with_many_mismatches(self):
        answers = self.check(
            'exact', 'commercetools_sunrise', '--seed', '12', '--channels', '5', '--mismatch', '0.4', '--dup', '0.2',
            '--pos-skus', '2000', '--mismatch-kinds', 'case,space_outer,space_inner,dash,zero,lookalike,nbsp_outer')
        self.assertEqual(self.check_reasons(answers), set(self.KINDS))

    def test_sunrise_ignoring_case(self):
        self.check('casefold', 'commercetools_sunrise', '--seed', '13', '--channels', '2', '--mismatch', '0.4',
                   '--pos-skus', '2000', '--mismatch-kinds', 'case,case,nbsp_outer,lookalike')

    def test_online_retail_in_compressed_files(self):
        self.check('exact', 'uci_online_retail', '--seed', '14', '--channels', '4', '--gzip', '--no-sku', '0.2')

    def test_magento_on_one_channel(self):
        self.check('exact', 'magento2_sample', '--seed', '15', '--channels', '1', '--channel-names', 'Toko_Utama')

    def test_openfoodfacts_ignoring_case_on_ten_channels(self):
        self.check('casefold', 'openfoodfacts_italy', '--seed', '16', '--channels', '10', '--inactive', '0.5')


if __name__ == '__main__':
    unittest.main()
