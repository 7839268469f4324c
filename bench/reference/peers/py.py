#!/usr/bin/python3
# Python peers: py.py {asyncio|uvloop|gevent|trio|cpython} WORKLOAD [ARG]
import os, random, resource, socket, sys, time
lib, w = sys.argv[1], sys.argv[2]
a = int(sys.argv[3]) if len(sys.argv) > 3 else 0
now = time.perf_counter


def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


def kb(path, key):
    for l in open(path):
        if l.startswith(key):
            return int(l.split()[1]) * 1024


def mem():
    return kb('/proc/self/smaps_rollup', 'Rss:'), kb('/proc/self/status', 'VmPTE:')


def per(t, n): print(f'ns={(now() - t) * 1e9 / n:.4g}')
def cpuper(c, t, n): print(f'cpu_us={(cpu() - c) * 1e6 / n:.4g} wall_s={now() - t:.4g}')
def memper(m0, n):
    m1 = mem()
    print(f'rss_B={(m1[0] - m0[0]) / n:.0f} pte_B={(m1[1] - m0[1]) / n:.0f}', flush=True)
    os._exit(0)


random.seed(1)
def rnd(): return random.randint(1, 50) / 1000
def listener():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', a))
    s.listen(4096)
    s.setblocking(False)
    return s


WAVES = 100
if lib == 'cpython' and w == 'tree':
    class Node: __slots__ = 'left', 'right', 'value'
    def tree(first, last):
        if first >= last: return None
        node, middle = Node(), (first + last) // 2
        node.left, node.right, node.value = tree(first, middle), tree(middle + 1, last), middle
        return node
    def walk(node):
        if node.left: yield from walk(node.left)
        yield node.value
        if node.right: yield from walk(node.right)
    n = (1 << 20) - 1
    root, t, s = tree(0, n), now(), 0
    for v in walk(root): s += v
    per(t, n)
    assert s == n * (n - 1) // 2
elif lib == 'cpython':
    sys.setrecursionlimit(5000)
    def nest(d, n):
        if d == 0:
            for i in range(n): yield i
        else: yield from nest(d - 1, n)
    n = 2_000_000 if a <= 1 else {10: 1_000_000, 100: 200_000, 1000: 10_000}[a]
    t, s = now(), 0
    for v in nest(a, n): s += v
    per(t, n)
    assert s == n * (n - 1) // 2
elif lib in ('asyncio', 'uvloop'):
    import asyncio
    if lib == 'uvloop':
        import uvloop
        uvloop.install()
    async def noop(): pass
    async def main():
        loop = asyncio.get_running_loop()
        if w == 'w3':
            for k in range(-2, WAVES):
                if k == 0: t = now()
                ts = [loop.create_task(noop()) for _ in range(1000)]
                for x in ts: await x
            per(t, WAVES * 1000)
        elif w in ('w1', 'w4'):
            tasks, n = (2, 200_000) if w == 'w1' else (a, 1_000_000 // a) if a else (1000, 1000)
            async def y():
                for _ in range(n): await asyncio.sleep(0)
            ts = [loop.create_task(y()) for _ in range(tasks)]
            t = now()
            for x in ts: await x
            per(t, tasks * n)
        elif w == 'w5':
            n, p, q = 200_000, asyncio.Queue(1), asyncio.Queue(1)
            async def pong():
                for _ in range(n): await q.put(await p.get())
            x = loop.create_task(pong())
            t = now()
            for i in range(n):
                await p.put(i)
                assert await q.get() == i
            per(t, n)
        elif w == 'w6':
            async def sl():
                for _ in range(10): await asyncio.sleep(rnd())
            c, t = cpu(), now()
            await asyncio.gather(*[loop.create_task(sl()) for _ in range(100_000)])
            cpuper(c, t, 1_000_000)
        elif w == 'w7':
            m, ev = mem(), asyncio.Event()
            ts = []
            async def park(): await ev.wait()
            for _ in range(a): ts.append(loop.create_task(park()))
            await asyncio.sleep(0.01)
            memper(m, a)
        elif w == 'echo':
            class P(asyncio.Protocol):
                def connection_made(self, t): self.t = t
                def data_received(self, d): self.t.write(d)
            await (await loop.create_server(P, sock=listener())).serve_forever()
        elif w == 'streams':
            async def h(r, wr):
                try:
                    while d := await r.read(16384):
                        wr.write(d)
                        await wr.drain()
                except ConnectionError: pass
                wr.close()
            await (await asyncio.start_server(h, sock=listener())).serve_forever()
    asyncio.run(main())
elif lib == 'gevent':
    import gevent, gevent.queue, gevent.event
    if w == 'w3':
        def noop(): pass
        for k in range(-2, WAVES):
            if k == 0: t = now()
            gevent.joinall([gevent.spawn(noop) for _ in range(1000)])
        per(t, WAVES * 1000)
    elif w in ('w1', 'w4'):
        tasks, n = (2, 200_000) if w == 'w1' else (1000, 1000)
        def y():
            for _ in range(n): gevent.sleep(0)
        gs = [gevent.spawn(y) for _ in range(tasks)]
        t = now()
        gevent.joinall(gs)
        per(t, tasks * n)
    elif w == 'w5':
        n, p, q = 200_000, gevent.queue.Queue(1), gevent.queue.Queue(1)
        def pong():
            for _ in range(n): q.put(p.get())
        gevent.spawn(pong)
        t = now()
        for i in range(n):
            p.put(i)
            assert q.get() == i
        per(t, n)
    elif w == 'w6':
        def sl():
            for _ in range(10): gevent.sleep(rnd())
        c, t = cpu(), now()
        gevent.joinall([gevent.spawn(sl) for _ in range(100_000)])
        cpuper(c, t, 1_000_000)
    elif w == 'w7':
        m, ev = mem(), gevent.event.Event()
        up = [0]
        def park():
            up[0] += 1
            ev.wait()
        gs = [gevent.spawn(park) for _ in range(a)]
        while up[0] < a: gevent.sleep(0.01)
        memper(m, a)
    elif w == 'echo':
        from gevent.server import StreamServer
        def h(s, addr):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while d := s.recv(16384): s.sendall(d)
            except OSError: pass
            s.close()
        StreamServer(('0.0.0.0', a), h, backlog=4096).serve_forever()
elif lib == 'trio':
    import trio
    async def main():
        if w in ('w1', 'w4'):
            tasks, n = (2, 50_000) if w == 'w1' else (1000, 100)
            async def y():
                for _ in range(n): await trio.lowlevel.checkpoint()
            t = now()
            async with trio.open_nursery() as nu:
                for _ in range(tasks): nu.start_soon(y)
            per(t, tasks * n)
        elif w == 'w3':
            async def noop(): pass
            t = now()
            for k in range(20):
                async with trio.open_nursery() as nu:
                    for _ in range(1000): nu.start_soon(noop)
            per(t, 20_000)
        elif w == 'echo':
            async def h(s):
                try:
                    while d := await s.receive_some(16384): await s.send_all(d)
                except trio.BrokenResourceError: pass
            await trio.serve_tcp(h, a, host='0.0.0.0', backlog=4096)
    trio.run(main)
