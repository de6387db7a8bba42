#!/usr/bin/env python3
"""A sample shop: an Indonesian fashion and household store and its shops at three Seller Centers.

    make_sample.py make DIR                  writes the sample, always the same bytes
    make_sample.py compare EXPECTED ANSWER   compares two folders of answers; exit status 1 when they differ

DIR gets pos.jsonl and channel.{shopee,tokopedia,tiktok}.jsonl (the formats that `skulink import` and the simulated
Seller Center read), and the answers of the products menu: expected/exact (letter case counts) and expected/casefold (it
does not). The answers are computed from the files alone, so they do not share a mistake with what makes the files.
"""
import json
import os
import random
import sys

CHANNELS = {'shopee': 0.78, 'tokopedia': 0.62, 'tiktok': 0.38}  # share of the shop's products that are there
RULES = ('exact', 'casefold')

# What the shop sells: code, name, the price of the cheapest in rupiah.
GARMENTS = [
    ('KMJ', 'Kemeja Batik', 129000), ('KOK', 'Baju Koko', 115000), ('GMS', 'Gamis Katun', 165000),
    ('BLS', 'Blus Rajut', 89000), ('KLT', 'Kulot Linen', 98000), ('SRG', 'Sarung Tenun', 145000),
    ('DST', 'Daster Rayon', 55000), ('HJB', 'Hijab Segi Empat', 35000), ('KOS', 'Kaos Polos', 45000),
    ('JKT', 'Jaket Parasut', 189000)]
MOTIFS = ['Parang', 'Kawung', 'Mega Mendung', 'Truntum', 'Sekar Jagad', 'Lereng', 'Sidomukti', 'Tambal', 'Polos',
          'Garis', 'Kotak', 'Bunga Melati', 'Daun Talas', 'Songket', 'Lurik', 'Ikat Sumba']
COLOURS = [('MRH', 'Merah'), ('HTM', 'Hitam'), ('PTH', 'Putih'), ('NVY', 'Biru Tua'), ('HJU', 'Hijau Sage'),
           ('CKL', 'Cokelat'), ('KNG', 'Kuning')]
SIZES = ['S', 'M', 'L', 'XL', 'XXL']
HOUSEWARES = [
    ('Panci Aluminium', 62000, ['18 cm', '22 cm', '26 cm']), ('Wajan Anti Lengket', 84000, ['20 cm', '28 cm']),
    ('Rantang Susun', 73000, ['2 susun', '3 susun', '4 susun']), ('Cobek Batu', 48000, ['kecil', 'besar']),
    ('Toples Kaca', 21000, ['500 ml', '1 L', '2 L']), ('Sapu Ijuk', 18000, ['']), ('Ember Anti Pecah', 27000, ['10 L', '20 L']),
    ('Tikar Lipat', 56000, ['2 orang', '4 orang']), ('Termos Air', 92000, ['1 L', '2 L']), ('Talenan Kayu Jati', 39000, ['']),
    ('Gayung Love', 9000, ['merah muda', 'biru']), ('Rak Bumbu', 65000, ['2 tingkat', '3 tingkat'])]
SERIES = ['Dapur Nusantara', 'Rumah Asri', 'Sinar Pagi', 'Lestari', 'Melati', 'Cempaka', 'Anggrek', 'Kenanga']
ONLINE_ONLY = ['Hampers Lebaran', 'Paket Bundling 3 pcs', 'Masker Kain', 'Gantungan Kunci', 'Totebag Kanvas', 'Pouch Serbaguna',
               'Sandal Jepit', 'Bantal Leher']
ADVERTISING = ['', '', '', '[COD] ', 'PROMO 11.11 ', 'Terlaris! ', 'Ready ']

# Characters with the property White_Space.
WHITE_SPACE = '\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'
CYRILLIC = {'A': 'А', 'B': 'В', 'C': 'С', 'H': 'Н', 'K': 'К', 'M': 'М', 'P': 'Р', 'T': 'Т', 'X': 'Х'}


def line(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(',', ':'))


def write_lines(path, values):
    with open(path, 'w', encoding='utf-8', newline='\n') as f:
        f.writelines(line(v) + '\n' for v in values)


def read_lines(path):
    with open(path, encoding='utf-8', newline='\n') as f:
        return [json.loads(text) for text in f]


# ---------------------------------------------------------------------------------------------------- the POS
def barcode(rng):
    digits = '899' + ''.join(str(rng.randrange(10)) for _ in range(9))
    return digits + str(-sum(int(d) * (3, 1)[i % 2 == 0] for i, d in enumerate(digits)) % 10)


def garment_variants(rng, number, code, price):
    first = rng.randrange(len(COLOURS))
    for i in range(2 + rng.randrange(3)):
        short, _ = COLOURS[(first + i) % len(COLOURS)]
        for size in SIZES[rng.randrange(2):3 + rng.randrange(3)]:
            yield f'{code}-{number:04d}-{short}-{size}', price + 5000 * SIZES.index(size)


def houseware_variants(number, price, kinds):
    for i in range(len(kinds)):
        if number % 3 == 0:
            sku = f'{number:06d}{i}'          # an old till's numbers: leading zeros
        elif number % 7 == 1:
            sku = f'RT {number:04d} {i + 1}'  # with spaces inside
        elif number % 11 == 0:
            sku = f'Weiß-{number}-{i + 1}'    # a brand whose letter ß becomes ss when case is ignored
        else:
            sku = f'RT{number:04d}{"ABCD"[i]}'
        yield sku, price * (i + 2) // 2


def make_pos():
    rng = random.Random('skulink sample: pos')
    products = []

    def add(name, variants):
        number = len(products) + 1
        rows = []
        for sku, price in variants:
            if rng.random() < 0.01:
                sku += rng.choice([' ', '  ', '\t'])  # typed into the POS like this
            rows.append({'variant_id': f'v{number}-{len(rows) + 1}', 'sku': sku, 'barcode': barcode(rng),
                         'price': price, 'stock': rng.randrange(0, 150)})
        products.append({'product_id': f'p{number}', 'name': name, 'variants': rows})

    for i in range(270):
        code, name, price = GARMENTS[i % len(GARMENTS)]
        motif = MOTIFS[rng.randrange(len(MOTIFS))]
        add(f'{name} {motif}', list(garment_variants(rng, i + 1, code, price + 1000 * rng.randrange(40))))
    for i in range(300):
        name, price, kinds = HOUSEWARES[i % len(HOUSEWARES)]
        add(f'{name} {SERIES[rng.randrange(len(SERIES))]}', list(houseware_variants(i + 1, price, kinds)))
    for name, sku in (('Jasa Bungkus Kado', ''), ('Ongkos Jahit', ''), ('Kantong Belanja', '   '), ('Kartu Ucapan', '')):
        add(name, [(sku, 5000)])
    return products


# ---------------------------------------------------------------------------------------------------- the channels
def miswrite(rng, sku):
    """The SKU as a hurried seller types it. Only white space at the ends still matches."""
    kind = rng.randrange(7)
    if kind == 0:
        return sku.lower() if sku.lower() != sku else sku.upper()
    if kind == 1:
        return sku.replace('ß', 'ss') if 'ß' in sku else sku.title()
    if kind == 2:
        return sku.replace(' ', '') if ' ' in sku else sku[:3] + ' ' + sku[3:]
    if kind == 3:
        return sku.replace('-', '_') if '-' in sku else sku[:2] + '-' + sku[2:]
    if kind == 4:
        return sku.lstrip('0') if sku.startswith('0') else '0' + sku
    if kind == 5:
        return ''.join(CYRILLIC.get(c, c) for c in sku[:1]) + sku[1:] + ('' if sku[0] in CYRILLIC else '\u200b')
    return rng.choice(['', ' ', '\u00a0']) + sku + rng.choice([' ', '\t', '\n', '\u3000'])


class Shop:
    def __init__(self, channel):
        self.rng = random.Random('skulink sample: ' + channel)
        self.prefix = channel[:2].upper()
        self.listings = []
        self.items = 0

    def item(self):
        self.items += 1
        return f'{self.prefix}-{700000 + self.items}'

    def add(self, item, name, sku, price, gtin):
        rng = self.rng
        chance = rng.random()
        status = 'inactive' if chance < 0.05 else 'archived' if chance < 0.08 else 'deleted' if chance < 0.10 else 'active'
        self.listings.append({
            'listing_id': f'{self.prefix}{8000000000 + 37 * len(self.listings)}', 'item_id': item,
            'name': ADVERTISING[rng.randrange(len(ADVERTISING))] + name, 'seller_sku': sku,
            'price': price if rng.random() < 0.7 else price * 11 // 10 // 100 * 100, 'stock': rng.randrange(0, 150),
            'status': status, 'gtin': gtin if rng.random() < 0.6 else ''})

    def add_product(self, product):
        rng = self.rng
        item = self.item()
        for v in product['variants']:
            sku = v['sku'].strip()
            if not sku or rng.random() > 0.9:
                continue
            if rng.random() < 0.02:
                self.add(item, product['name'], rng.choice(['', None, ' ', '\t']), v['price'], v['barcode'])
                continue
            self.add(item, product['name'], miswrite(rng, sku) if rng.random() < 0.06 else sku, v['price'], v['barcode'])
            while rng.random() < 0.04:
                self.add(self.item(), product['name'] + ' (baru)', sku, v['price'], v['barcode'])


def make_channel(channel, share, products):
    shop = Shop(channel)
    rng = shop.rng
    for product in products:
        if rng.random() < share:
            shop.add_product(product)
    for i in range(len(shop.listings) // 14):  # sold online only; the same goods turn up on several channels
        number = rng.randrange(400)
        item = shop.item()
        for _ in range(1 + (rng.random() < 0.2)):
            shop.add(item, ONLINE_ONLY[number % len(ONLINE_ONLY)], f'ONL-{number:03d}', 15000 + 500 * number, '')
    order = [(rng.random(), i) for i in range(len(shop.listings))]  # Seller Centers list by time of change
    return [shop.listings[i] for _, i in sorted(order)]


# ---------------------------------------------------------------------------------------------------- the answers
def sku_key(sku, rule):
    key = (sku or '').strip(WHITE_SPACE)
    return key.casefold() if rule == 'casefold' else key


def expected_answers(folder, rule):
    """File name -> rows, by design: equal keys match, an empty key never does, only active listings count."""
    variants = [(p['product_id'], v) for p in read_lines(os.path.join(folder, 'pos.jsonl')) for v in p['variants']]
    ids = {sku_key(v['sku'], rule): (product, v['variant_id']) for product, v in variants if sku_key(v['sku'], rule)}
    if len(ids) != sum(1 for _, v in variants if sku_key(v['sku'], rule)):
        raise ValueError('two variants of the POS have one SKU key')
    answers = {}
    sold = {}  # channel -> variants
    for channel in CHANNELS:
        by_key = {}
        for listing in read_lines(os.path.join(folder, f'channel.{channel}.jsonl')):
            if listing['status'] == 'active':
                by_key.setdefault(sku_key(listing['seller_sku'], rule), []).append(listing)
        sold[channel] = {ids[key] for key in by_key if key in ids}
        answers[f'not_in_pos.{channel}'] = [
            {'item_id': listing['item_id'], 'listing_id': listing['listing_id']}
            for key, listings in by_key.items() if key not in ids for listing in listings]
        answers[f'multiple_listing.{channel}'] = [
            {'sku': key, 'listing_ids': sorted(listing['listing_id'] for listing in listings)}
            for key, listings in by_key.items() if key and len(listings) > 1]

    def row(variant):
        return {'product_id': variant[0], 'variant_id': variant[1]}

    def badges(variant):
        return [channel for channel in CHANNELS if variant in sold[channel]]

    everything = [(product, v['variant_id']) for product, v in variants]
    answers['in_pos'] = [{**row(v), 'channels': badges(v)} for v in everything]
    answers['sold_in_channel'] = [r for r in answers['in_pos'] if r['channels']]
    products = {}
    for r in answers['in_pos']:
        products.setdefault(r['product_id'], set()).update(r['channels'])
    answers['in_pos_products'] = [{'product_id': p, 'channels': sorted(c)} for p, c in products.items()]
    for channel in CHANNELS:
        answers[f'sold_in_channel.{channel}'] = [row(v) for v in sold[channel]]
        answers[f'not_in_channel.{channel}'] = [row(v) for v in everything if badges(v) and v not in sold[channel]]
    return {name + '.jsonl': rows for name, rows in answers.items()}


def canonical(rows):
    return sorted(line({k: sorted(v) if isinstance(v, list) else v for k, v in r.items()}) for r in rows)


# ---------------------------------------------------------------------------------------------------- commands
def make(folder):
    os.makedirs(folder, exist_ok=True)
    products = make_pos()
    write_lines(os.path.join(folder, 'pos.jsonl'), products)
    for channel, share in CHANNELS.items():
        write_lines(os.path.join(folder, f'channel.{channel}.jsonl'), make_channel(channel, share, products))
    for rule in RULES:
        out = os.path.join(folder, 'expected', rule)
        os.makedirs(out, exist_ok=True)
        for name, rows in expected_answers(folder, rule).items():
            write_lines(os.path.join(out, name), map(json.loads, canonical(rows)))
    print(f'{len(products)} products with {sum(len(p["variants"]) for p in products)} variants in {folder}')
    return 0


def compare(expected, answer):
    differing = 0
    for name in sorted(os.listdir(expected)):
        want = canonical(read_lines(os.path.join(expected, name)))
        path = os.path.join(answer, name)
        if not os.path.exists(path):
            print(f'{name}: missing')
            differing += 1
            continue
        got = canonical(read_lines(path))
        if want == got:
            print(f'{name}: {len(want)} rows, equal')
            continue
        differing += 1
        print(f'{name}: {len(want)} rows expected, {len(got)} found')
        for what, rows in (('lacking', set(want) - set(got)), ('not expected', set(got) - set(want))):
            for text in sorted(rows)[:5]:
                print(f'  {what}: {text}')
    return 1 if differing else 0


def main(arguments):
    if len(arguments) == 2 and arguments[0] == 'make':
        return make(arguments[1])
    if len(arguments) == 3 and arguments[0] == 'compare':
        return compare(arguments[1], arguments[2])
    sys.exit(__doc__)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
