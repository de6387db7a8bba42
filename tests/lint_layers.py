"""Checks that includes keep to the layers: service -> sync -> store, sellercenters -> common.

Usage: lint_layers.py FILE...   Prints file:line of each include that does not.
"""
import re
import sys

INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')

GRPC = (r'grpc(pp)?/', r'.*\.grpc\.pb\.h$')
SQL = (r'soci/', r'mysql', r'mariadb', r'errmsg\.h$')
SKULINK_SERVICES = (r'skulink/v1/.*\.grpc\.pb\.h$',)
SERVER_ONLY = (r'server/',)

# (files it holds for, includes they must not have, why)
RULES = [
    (r'common/', ('server/', 'client/', 'tests/'), 'common knows nothing of server, client and tests'),
    (r'common/', GRPC + SQL, 'common knows no gRPC service and no SQL'),
    (r'server/store/', GRPC, 'store knows no gRPC'),
    (r'server/store/', ('server/(service|sync|sellercenters)/', 'client/', 'tests/'), 'store includes nothing but common'),
    (r'server/sellercenters/', SQL, 'sellercenters knows no SQL'),
    (r'server/sellercenters/', ('server/(service|sync|store)/', 'client/', 'tests/'), 'sellercenters includes nothing but common'),
    (r'server/sync/', ('server/service/', 'client/', 'tests/'), 'sync includes nothing above it'),
    (r'server/service/', ('client/', 'tests/'), 'the server knows no client and no test'),
    (r'server/(?!store/)', SQL, 'SQL libraries are for server/store only'),
    (r'server/(?!service/)', SKULINK_SERVICES, "skulink.v1's services are for server/service and the clients"),
    (r'client/', SERVER_ONLY + SQL + ('tests/',), 'clients know the API only'),
]


def complaints(path, lines):
    rules = [(forbidden, why) for files, forbidden, why in RULES if re.match(files, path)]
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        for forbidden, why in rules if include else ():
            if any(re.match(pattern, include[1]) for pattern in forbidden):
                yield f'{path}:{number}: {include[1]}: {why}'


def main():
    found = []
    for path in sys.argv[1:]:
        with open(path, encoding='utf-8') as source:
            found += complaints(path, source)
    print('\n'.join(found) or f'{len(sys.argv) - 1} files keep to their layers')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
