"""R7 and R8: the gateway against nginx, in front of a backend that does nothing."""

import lab
import measure
import nginx
from driver import with_cpu
from servers import Alma


def measure_proxies(the_lab, settings, _, report):
    if not settings.wants("R7", "R8"):
        return
    lab.say("Proxies")
    with the_lab.part():
        alma = Alma(the_lab, settings.programs, [f"--data_dir={the_lab.new_folder('data')}"])
        backend = alma.echo()
        gateway = alma.gateway(alma.service("organizations").address, backend.address)
        server, address = nginx.start(the_lab, backend.address)
        targets = {"gateway to echo": (gateway.process, alma.with_key(gateway.address)),
                   "nginx to echo": (server, alma.with_key(address)),
                   "echo": (backend.process, alma.with_key(backend.address))}

        def case(process, target, in_flight, timing):
            return with_cpu([process], lambda: target.call(in_flight=in_flight, **timing))

        cases = {}
        for name, (process, target) in targets.items():
            in_flight = measure.best(name, settings.in_flight, lambda tried, process=process, target=target:
                                     case(process, target, tried, settings.trying()))
            cases[name] = lambda process=process, target=target, in_flight=in_flight: case(
                process, target, in_flight, settings.timing())
        results = measure.interleave(cases, settings.repeats)
    figures = {name: measure.figure(name, "/s", result) for name, result in results.items()}
    cpu = {name: measure.Figure(name, "us", [one["cpu_us"] for one in result], result)
           for name, result in results.items()}
    report.figures.update(figures)
    report.figures.update({f"{name}, CPU": one for name, one in cpu.items()})
    ours, theirs = "gateway to echo", "nginx to echo"
    if settings.wants("R7"):
        report.rows.append(measure.ratio("R7", "gateway with key check / nginx grpc_pass, same backend",
                                         figures[ours], figures[theirs], 1.5,
                                         note="called directly: " + figures["echo"].text()))
    if settings.wants("R8"):
        report.rows.append(measure.ratio("R8", "gateway CPU per call / nginx CPU per call",
                                         cpu[ours], cpu[theirs], 1.3, at_least=False))
